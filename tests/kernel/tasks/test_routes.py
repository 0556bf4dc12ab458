"""The API of tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from oxbow.kernel.accounts import AccountService, AccountStore
from oxbow.kernel.database import Database
from oxbow.kernel.gateway import create_app
from oxbow.kernel.health import Health
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.settings import KernelSettings
from oxbow.kernel.tasks import TaskContext, TaskKind
from oxbow.kernel.tasks.routes import tasks_router
from oxbow.testing.signing import QiniuAuth

from .conftest import Tasks

AK, SK = "root-access-key", "a-secret-key-1234567"


async def nothing(context: TaskContext) -> None:
    """Never run here."""


@pytest.fixture
async def client(
    sqlite_database: Database, tasks: Tasks, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("OXBOW_ROOT_ACCESS_KEY", AK)
    monkeypatch.setenv("OXBOW_ROOT_SECRET_KEY", SK)
    settings = KernelSettings(home=tmp_path)
    accounts = AccountService(AccountStore(sqlite_database))
    await accounts.open(settings)
    tasks.register(TaskKind("test.plain", "Does nothing", nothing, attempts=3))
    tasks.register(TaskKind("test.other", "Does nothing", nothing))
    app = create_app(
        settings, accounts=accounts, metrics=Metrics(), health=Health(), routers=[tasks_router(tasks)]
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api", auth=QiniuAuth(AK, SK)
    ) as client:
        yield client


@pytest.fixture
def start(tasks: Tasks):
    async def start(kind: str = "test.plain", account: int = 1, subject: str = "it") -> str:
        return (await tasks.start(kind, account=account, subject=subject, arguments={"secret": "x"})).id

    return start


async def test_a_task_is_shown_without_its_arguments(client, start):
    id = await start()
    answer = (await client.get(f"/v2/tasks/{id}")).json()
    assert {name: answer[name] for name in ("id", "kind", "subject", "state", "attempts", "maxAttempts")} == {
        "id": id,
        "kind": "test.plain",
        "subject": "it",
        "state": "queued",
        "attempts": 0,
        "maxAttempts": 3,
    }
    assert "secret" not in str(answer)
    assert (answer["finishedAt"], answer["waitingSince"]) == (0, 0)
    assert answer["nextAttemptAt"] == answer["createdAt"] > 0


async def test_tasks_are_listed_newest_first_and_page_by_page(client, start):
    first, second, third = [await start() for _ in range(3)]
    await start(account=2)
    page = (await client.get("/v2/tasks", params={"limit": 2})).json()
    assert [item["id"] for item in page["items"]] == [third, second]
    page = (await client.get("/v2/tasks", params={"limit": 2, "marker": page["marker"]})).json()
    assert ([item["id"] for item in page["items"]], page["marker"]) == ([first], "")


async def test_a_list_is_narrowed_down(client, start):
    id = await start("test.other", subject="that")
    await start()
    for query in ({"kind": "test.other"}, {"subject": "that"}, {"state": "queued", "kind": "test.other"}):
        assert [item["id"] for item in (await client.get("/v2/tasks", params=query)).json()["items"]] == [id]
    assert (await client.get("/v2/tasks", params={"state": "failed"})).json() == {"items": [], "marker": ""}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "sleeping"}, "state"),
        ({"limit": "many"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"kind": "k" * 65}, "kind"),
        ({"subject": "\0"}, "subject"),
        ({"marker": "m" * 33}, "marker"),
        ({"sort": "asc"}, "sort"),
    ],
)
async def test_what_cannot_be_used_is_named(client, query, field):
    answer = await client.get("/v2/tasks", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{field}: ")


async def test_a_task_is_cancelled_and_tried_again(client, start):
    id = await start()
    assert (await client.post(f"/v2/tasks/{id}/cancel")).json()["state"] == "cancelled"
    refused = await client.post(f"/v2/tasks/{id}/cancel")
    assert (refused.status_code, refused.json()) == (409, {"error": "the task has ended: cancelled"})
    assert (await client.post(f"/v2/tasks/{id}/retry")).json()["state"] == "queued"


@pytest.mark.parametrize("id", ["unknown", "%00", "a" * 99, "..%2f"])
async def test_an_unknown_task_is_not_found(client, id):
    for method, path in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
        answer = await client.request(method, f"/v2/tasks/{id}{path}")
        assert answer.status_code in (404, 612)


async def test_somebody_elses_task_is_not_found(client, start):
    assert (await client.get(f"/v2/tasks/{await start(account=2)}")).status_code == 612
