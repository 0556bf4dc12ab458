"""The whole API, with clients that sign for the account and for its users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from oxbow.app import House
from oxbow.kernel.settings import KernelSettings
from oxbow.testing.signing import QiniuAuth

AK, SK = "root-access-key", "root-secret-key-1234"


@dataclass
class Api:
    """Requests by whom: `await api.call("GET", "/v2/hubs")` is the account's."""

    house: House
    http: httpx.AsyncClient
    auths: dict[str, QiniuAuth] = field(default_factory=lambda: {"root": QiniuAuth(AK, SK)})

    async def call(self, method: str, path: str, body: Any = None, *, by: str = "root") -> httpx.Response:
        return await self.http.request(method, path, json=body, auth=self.auths[by])

    async def ok(self, method: str, path: str, body: Any = None, *, by: str = "root") -> Any:
        response = await self.call(method, path, body, by=by)
        assert response.status_code == 200, response.text
        return response.json()

    async def add_user(self, alias: str, *statements: tuple[str, str, str]) -> None:
        """A user with a key, and a policy of (effect, actions, resources), both with blanks between."""
        await self.ok("POST", "/iam/v1/users", {"alias": alias})
        key = (await self.ok("POST", f"/iam/v1/users/{alias}/keypairs"))["data"]
        self.auths[alias] = QiniuAuth(key["access_key"], key["secret_key"])
        if statements:
            await self.add_policy(f"of-{alias}", *statements)
            body = {"policy_aliases": [f"of-{alias}"]}
            await self.ok("PATCH", f"/iam/v1/users/{alias}/policies", body)

    async def add_policy(self, alias: str, *statements: tuple[str, str, str], by: str = "root") -> None:
        body = {"alias": alias, "statement": [written(*statement) for statement in statements]}
        await self.ok("POST", "/iam/v1/policies", body, by=by)


def written(effect: str, actions: str, resources: str) -> dict[str, Any]:
    return {"effect": effect, "action": actions.split(), "resource": resources.split()}


@pytest.fixture
def app(house: House) -> FastAPI:
    return house.app


@pytest.fixture
async def house(tmp_path) -> AsyncIterator[House]:
    """Everything of a server but its workers."""
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "shm").mkdir()
    house = House(KernelSettings(home=home, shm_dir=tmp_path / "shm", root_access_key=AK, root_secret_key=SK))
    await house.open()
    yield house
    await house.close()


@pytest.fixture
async def api(house: House) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(app=house.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070") as http:
        yield Api(house, http)
