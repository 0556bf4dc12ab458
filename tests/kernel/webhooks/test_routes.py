"""The delivery log over HTTP: read by its account only, without secrets."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from hostile import answer, saying, serving
from oxbow.kernel.accounts import AccountService, AccountStore
from oxbow.kernel.database import Database
from oxbow.kernel.gateway import create_app
from oxbow.kernel.health import Health
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.settings import KernelSettings
from oxbow.kernel.webhooks import Hook
from oxbow.kernel.webhooks.routes import webhooks_router
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.testing.signing import QiniuAuth

AK, SK = "webhook-test-access-key", "webhook-test-secret-key"
LOG = "/v2/webhooks/deliveries"


@pytest.fixture
async def app(sqlite_database: Database, webhooks: WebhookService, tmp_path: object) -> FastAPI:
    settings = KernelSettings(root_access_key=AK, root_secret_key=SK)  # type: ignore[arg-type]
    accounts = AccountService(AccountStore(sqlite_database))
    await accounts.open(settings)
    routers = [webhooks_router(webhooks)]
    return create_app(settings, accounts=accounts, metrics=Metrics(), health=Health(), routers=routers)


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://oxbow", auth=QiniuAuth(AK, SK)
    ) as client:
        yield client


async def send(webhooks: WebhookService, account: int = 1, **options: object) -> str:
    """The id of a callback that was answered."""
    async with serving(saying(answer(200, b"thanks"))) as server:
        hook = Hook("GET", server.url("/hook?token=secret-token"), {"password": "hidden", "stream": "one"})
        sent = await webhooks.ask(account, "live.connect", "live/one", replace(hook, **options))
    await webhooks.flush()
    return sent.id


async def test_a_callback_tells_everything_but_secrets(
    api: httpx.AsyncClient, webhooks: WebhookService
) -> None:
    id_ = await send(webhooks)
    shown = await api.get(f"{LOG}/{id_}")
    document = shown.json()
    assert document["url"].endswith("/hook?token=***")
    assert document["vars"] == {"password": "***", "stream": "one"}
    assert (document["state"], document["status"], document["answer"]) == ("delivered", 200, "thanks")
    assert (document["event"], document["subject"], document["type"]) == ("live.connect", "live/one", "GET")
    assert not {"secret-token", "hidden"} & set(shown.text.split('"'))


async def test_pages(api: httpx.AsyncClient, webhooks: WebhookService) -> None:
    ids = [await send(webhooks) for _ in range(3)]
    first = (await api.get(LOG, params={"limit": 2})).json()
    rest = (await api.get(LOG, params={"limit": 2, "marker": first["marker"]})).json()
    assert {item["id"] for item in first["items"] + rest["items"]} == set(ids)
    assert (len(first["items"]), rest["marker"]) == (2, "")
    assert (await api.get(LOG, params={"event": "live.connect", "state": "failed"})).json()["items"] == []


async def test_another_accounts_callbacks_do_not_exist(
    api: httpx.AsyncClient, webhooks: WebhookService
) -> None:
    id_ = await send(webhooks, account=2)
    assert (await api.get(LOG)).json()["items"] == []
    for response in (await api.get(f"{LOG}/{id_}"), await api.post(f"{LOG}/{id_}/replay")):
        assert (response.status_code, response.json()) == (612, {"error": "delivery not found"})


async def test_a_callback_is_sent_once_more(api: httpx.AsyncClient, webhooks: WebhookService) -> None:
    id_ = await send(webhooks)
    again = (await api.post(f"{LOG}/{id_}/replay")).json()["id"]
    assert (await api.get(f"{LOG}/{again}")).json()["replayOf"] == id_


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "many"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"state": "lost"}, "state"),
        ({"subject": "x" * 301}, "subject"),
        ({"event": "\0"}, "event"),
        ({"marker": "x" * 25}, "marker"),
    ],
)
async def test_what_cannot_be_asked(api: httpx.AsyncClient, query: dict[str, str], field: str) -> None:
    response = await api.get(LOG, params=query)
    assert response.status_code == 400
    assert response.json()["error"].startswith(f"{field}: ")
