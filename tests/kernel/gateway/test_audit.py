"""The audit over HTTP: what requests change is told of whoever sent them."""

import pytest

from oxbow.kernel.audit import AuditStore
from oxbow.kernel.audit.service import AuditService
from oxbow.kernel.gateway.audit import audit_router

from .conftest import AK


@pytest.fixture
async def client(client, api, sqlite_database):
    api.app.include_router(audit_router(AuditService(AuditStore(sqlite_database), 365)))
    return client


async def test_a_change_names_its_request(client):
    created = await client.post("/v2/keys", json={"note": "one"}, headers={"User-Agent": "tester/1"})
    (item,) = (await client.get("/v2/audit", params={"reqid": created.headers["X-Reqid"]})).json()["items"]
    assert item["subject"] == f"key/{created.json()['accessKey']}"
    assert (item["actor"], item["accessKey"], item["clientIP"]) == ("root", AK, "127.0.0.1")
    assert item["userAgent"] == "tester/1"
    assert (item["before"], item["after"]["note"], item["after"]["secret_key"]) == (None, "one", "***")


async def test_what_the_server_does_by_itself_is_the_systems(client):
    items = (await client.get("/v2/audit", params={"actor": "system:*"})).json()["items"]
    assert {item["subject"] for item in items} == {f"key/{AK}", "account/root"}


async def test_a_refused_change_is_not_told(client):
    await client.post(f"/v2/keys/{AK}/disable")
    items = (await client.get("/v2/audit", params={"actor": "root"})).json()["items"]
    assert items == []


async def test_pages(client):
    for _ in range(3):
        await client.post("/v2/keys")
    first = (await client.get("/v2/audit", params={"limit": 2, "actor": "root"})).json()
    rest = (
        await client.get("/v2/audit", params={"limit": 2, "actor": "root", "marker": first["marker"]})
    ).json()
    assert (len(first["items"]), len(rest["items"]), rest["marker"]) == (2, 1, "")


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"limit": "many"}, "limit: must be a whole number from 0 to 1000"),
        ({"limit": "1001"}, "limit: must be a whole number from 0 to 1000"),
        ({"from": "-1"}, "from: must be a whole number from 0 to 253402300799"),
        ({"marker": "x"}, "marker: must be a whole number from 1 to 9223372036854775807"),
        ({"subject": "\0"}, "subject: must have at most 400 characters, and no zero byte"),
        ({"actor": "x" * 201}, "actor: must have at most 200 characters, and no zero byte"),
    ],
)
async def test_bad_parameters_are_named(client, query, error):
    response = await client.get("/v2/audit", params=query)
    assert (response.status_code, response.json()) == (400, {"error": error})
