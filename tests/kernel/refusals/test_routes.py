"""The API: refused calls leave records, and each account sees its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter

from oxbow.kernel.accounts import Account, AccountService, AccountStore
from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database
from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway import create_app
from oxbow.kernel.health import Health
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.refusals.routes import refusals_router
from oxbow.kernel.refusals.service import RefusalService
from oxbow.kernel.settings import KernelSettings
from oxbow.testing.signing import QiniuAuth

ROOT_KEY, SECRET = "root-access-key", "root-secret-key-1234"


def refusing() -> APIRouter:
    router = APIRouter()

    @router.post("/v2/hubs/{hub}/refuse", summary="Refuse")
    async def refuse(hub: str) -> None:
        raise ApiError(403, "no", rule="iam", why="the policy lacks live:Refuse")

    return router


@dataclass
class House:
    root: httpx.AsyncClient
    stranger: httpx.AsyncClient
    refusals: RefusalService
    strangers_key: str

    async def last(self, client: httpx.AsyncClient | None = None, **asked) -> dict:
        answer = await (client or self.root).get("/v2/refusals", params={"limit": 1, **asked})
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["items"]
        return item


@pytest.fixture
async def house(sqlite_database: Database, tmp_path) -> AsyncIterator[House]:
    settings = KernelSettings(home=tmp_path, root_access_key=ROOT_KEY, root_secret_key=SECRET)
    accounts = AccountService(AccountStore(sqlite_database))
    await accounts.open(settings)
    async with sqlite_database.session() as session:
        session.add(AccountRow(id=2, name="stranger", created_at=1))
    pair = await accounts.create_key(Account(2, "stranger"), "")
    refusals = RefusalService(sqlite_database, settings)
    app = create_app(
        settings,
        accounts=accounts,
        metrics=Metrics(),
        health=Health(),
        routers=[refusing(), refusals_router(refusals)],
        refused=lambda refusal: refusals.add([refusal]),
    )

    def client(access_key: str, secret: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=("203.0.113.9", 5000)),
            base_url="http://api.test",
            auth=QiniuAuth(access_key, secret),
        )

    async with (
        client(ROOT_KEY, SECRET) as root,
        client(pair.access_key, pair.secret_key) as stranger,
    ):
        yield House(root, stranger, refusals, pair.access_key)


async def test_a_refused_call_is_found_by_its_request_id(house):
    answer = await house.root.post("/v2/hubs/live/refuse?token=abc&x=1")
    record = await house.last(reqid=answer.headers["x-reqid"])
    assert (
        record.items()
        >= {
            "what": "api",
            "rule": "iam",
            "reason": "403",
            "message": "no",
            "found": "the policy lacks live:Refuse",
            "hub": "live",
            "address": "203.0.113.9",
            "accessKey": ROOT_KEY,
            "url": "POST /v2/hubs/live/refuse?token=…&x=1",
        }.items()
    )


async def test_the_owner_of_a_key_learns_what_is_wrong_with_its_signature(house):
    right, house.stranger.auth = house.stranger.auth, QiniuAuth(house.strangers_key, "a-wrong-secret")
    refused = await house.stranger.get("/v2/keys")
    house.stranger.auth = right
    assert refused.json() == {"error": "bad token"}
    record = await house.last(house.stranger, reqid=refused.headers["x-reqid"])
    assert (record["found"], record["accessKey"]) == ("wrong signature", house.strangers_key)
    answer = await house.root.get("/v2/refusals", params={"reqid": refused.headers["x-reqid"]})
    assert answer.json()["items"] == []


async def test_unknown_keys_are_told_to_root_only(house):
    right, house.stranger.auth = house.stranger.auth, QiniuAuth("nobody-has-this-key", SECRET)
    refused = await house.stranger.get("/v2/keys")
    house.stranger.auth = right
    record = await house.last(reqid=refused.headers["x-reqid"])
    assert (record["rule"], record["found"], record["accessKey"]) == (
        "signature",
        "unknown access key",
        "nobody-has-this-key",
    )
    answer = await house.stranger.get("/v2/refusals")
    assert answer.json() == {"items": [], "marker": ""}


@pytest.mark.parametrize(
    ("method", "path", "status", "rule"),
    [
        ("GET", "/v2/nowhere", 404, "found"),
        ("PUT", "/v2/keys", 405, "method"),
        ("POST", "/v2/keys", 400, "request"),
        ("DELETE", "/v2/keys/no-such-key", 404, "found"),
    ],
)
async def test_every_kind_of_refusal_leaves_one(house, method, path, status, rule):
    answer = await house.root.request(method, path, content=b"{" if method == "POST" else b"")
    assert answer.status_code == status
    record = await house.last(reqid=answer.headers["x-reqid"])
    assert (record["rule"], record["reason"]) == (rule, str(status))
    assert record["message"]


async def test_success_leaves_none(house):
    await house.root.get("/v2/keys")
    assert (await house.root.get("/v2/refusals")).json()["items"] == []


async def test_pages_are_walked_by_marker(house):
    house.refusals.add(
        Refusal(f"r{number}", 1.0, "play", "ipLimit", "ip_denied", "no", stream=f"s{number}", account=1)
        for number in range(3)
    )
    first = (await house.root.get("/v2/refusals?limit=2")).json()
    second = (await house.root.get(f"/v2/refusals?limit=2&marker={first['marker']}")).json()
    assert [item["reqid"] for item in first["items"] + second["items"]] == ["r2", "r1", "r0"]
    assert second["marker"] == ""


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("what=watch", "what"),
        ("from=yesterday", "from"),
        ("from=2&to=1", "from"),
        ("limit=1001", "limit"),
        ("marker=-1", "marker"),
        ("stream=%00", "stream"),
        ("colour=red", "colour"),
        (f"hub={'h' * 201}", "hub"),
    ],
)
async def test_a_bad_parameter_is_named(house, query, field):
    answer = await house.root.get(f"/v2/refusals?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{field}:")
