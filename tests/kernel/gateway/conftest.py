"""An API with one account, some routes to try, and clients that sign."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from pydantic import Field

from oxbow.kernel.accounts import Account, AccountService, AccountStore
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway import Authenticated, JsonBody, create_app, json_body
from oxbow.kernel.health import Health
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.settings import KernelSettings
from oxbow.testing.signing import QiniuAuth

AK, SK = "root-access-key", "root-secret-key-1234"


class Domain(JsonBody):
    domain: str
    type: str = "publishRtmp"
    days: int = Field(default=0, ge=0)


def try_outs() -> APIRouter:
    router = APIRouter(prefix="/v2")

    @router.get("/hubs/{hub}", summary="A hub")
    async def hub(hub: str, principal: Authenticated, limit: int = 10):
        return {"name": hub, "limit": limit, "account": principal.account.name, "key": principal.access_key}

    @router.post("/domains", summary="Bind a domain")
    async def domain(body: Annotated[Domain, Depends(json_body(Domain))]):
        return body.model_dump()

    @router.get("/fail/{how}", summary="Fail")
    async def fail(how: str):
        raise {
            "exists": ApiError(614, "stream already exists"),
            "teapot": HTTPException(418, "a teapot", headers={"X-Tea": "green"}),
            "away": DatabaseUnavailableError(),
            "bug": RuntimeError("the secret is 42"),
        }[how]

    return router


@dataclass
class Api:
    """What a test of the gateway needs."""

    app: FastAPI
    root: Account
    accounts: AccountService
    metrics: Metrics
    health: Health
    settings: KernelSettings


@pytest.fixture
async def api(sqlite_database: Database, tmp_path) -> Api:
    settings = KernelSettings(
        home=tmp_path, root_access_key=AK, root_secret_key=SK, api_body_limit=2048, api_body_seconds=5
    )
    accounts, metrics, health = AccountService(AccountStore(sqlite_database)), Metrics(), Health()
    root = await accounts.open(settings)
    app = create_app(settings, accounts=accounts, metrics=metrics, health=health, routers=[try_outs()])
    return Api(app, root, accounts, metrics, health, settings)


@pytest.fixture
async def stranger(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A client that signs nothing."""
    transport = httpx.ASGITransport(app=api.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070") as client:
        yield client


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A client that signs with the root account's key."""
    transport = httpx.ASGITransport(app=api.app)
    auth = QiniuAuth(AK, SK)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070", auth=auth) as client:
        yield client
