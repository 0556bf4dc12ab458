"""The contract of the tasks' store, on each database that Oxbow supports."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from oxbow.kernel.audit import acting_as
from oxbow.kernel.audit.store import AuditRow
from oxbow.kernel.database import Database
from oxbow.kernel.tasks import Task, TaskState, rules
from oxbow.kernel.tasks.store import TaskStore

OWNER, STRANGER = 1, 2
NOW = 1_700_000_000.25


@pytest.fixture
def store(database: Database) -> TaskStore:
    return TaskStore(database)


def new(id: str, **changes: object) -> Task:
    task = Task(id, "test.kind", OWNER, "subject", {"a": [1, None]}, TaskState.QUEUED, NOW, NOW, NOW)
    return replace(task, **changes)


async def claim(store: TaskStore, task: Task, lease: str = "mine", now: float = NOW + 1) -> Task | None:
    return await store.claim(task.id, task.turn, lease=lease, server="here", now=now, deadline_seconds=60.0)


async def test_what_is_stored_is_what_is_read(store):
    task = new("1", progress=0.5, note="ünïcode", waits_for="it", waiting_since=NOW, deadline=NOW + 1)
    assert await store.add(task, None) == task
    assert await store.find("1") == task
    assert await store.find("2") is None


async def test_a_key_is_used_once_for_each_account_and_kind(store):
    first = await store.add(new("1"), "key")
    assert await store.add(new("2"), "key") == first
    assert await store.add(new("3", account=STRANGER), "key") == new("3", account=STRANGER)
    assert await store.add(new("4", kind="test.other"), "key") == new("4", kind="test.other")
    assert await store.add(new("5"), None) == new("5")
    assert await store.add(new("6"), None) == new("6")


async def test_of_two_who_use_a_key_at_once_both_get_the_same_task(store):
    ids = [str(number) for number in range(8)]
    added = await asyncio.gather(*(store.add(new(id), "key") for id in ids))
    assert len({task.id for task in added}) == 1


async def test_pages_are_an_accounts_own_newest_first(store):
    for id in ("1", "3", "2"):
        await store.add(new(id), None)
    await store.add(new("4", account=STRANGER), None)
    await store.add(new("5", kind="test.other", subject="other", state=TaskState.FAILED), None)

    async def ids(before: str = "", limit: int = 9, **wanted: str) -> list[str]:
        return [task.id for task in await store.page(OWNER, before=before, limit=limit, **wanted)]

    assert await ids() == ["5", "3", "2", "1"]
    assert await ids(limit=2) == ["5", "3"]
    assert await ids(before="3") == ["2", "1"]
    assert await ids(kind="test.kind") == ["3", "2", "1"]
    assert await ids(subject="other", state=TaskState.FAILED) == ["5"]


async def test_what_is_due_is_handed_over_once(store):
    await store.add(new("now"), None)
    await store.add(new("later", run_at=NOW + 60), None)
    due = await store.due(NOW, 9)
    assert [task.id for task in due] == ["now"]
    await store.mark_handed(due)
    assert await store.due(NOW, 9) == []
    assert [task.id for task in await store.due(NOW + 60, 9)] == ["later"]


async def test_a_turn_that_is_over_is_not_marked_in_the_next_ones_place(store):
    task = await store.add(new("1"), None)
    await store.change(task, replace(task, turn=1))
    await store.mark_handed([task])
    assert len(await store.due(NOW, 9)) == 1


class TestClaims:
    async def test_a_claim_begins_an_attempt(self, store):
        task = await store.add(new("1"), None)
        claimed = await claim(store, task)
        assert (claimed.state, claimed.attempt, claimed.runs) == (TaskState.RUNNING, 1, 1)
        assert (claimed.lease, claimed.server, claimed.handed) == ("mine", "here", True)
        assert (claimed.started_at, claimed.deadline) == (NOW + 1, NOW + 61)
        assert await store.find("1") == claimed

    async def test_claiming_it_anew_takes_it_from_the_first_and_keeps_its_deadline(self, store):
        first = await claim(store, await store.add(new("1"), None))
        second = await claim(store, first, lease="other", now=NOW + 30)
        assert (second.attempt, second.runs, second.deadline) == (1, 2, NOW + 61)
        assert not await store.holds(first)
        assert await store.holds(second)
        assert not await store.change(first, replace(first, note="from the grave"))

    async def test_only_the_present_turn_can_be_claimed(self, store):
        task = await claim(store, await store.add(new("1"), None))
        after = rules.after_success(task, NOW)
        assert await store.change(task, after)
        assert await claim(store, task) is None
        assert await claim(store, after) is None
        assert await claim(store, new("unknown")) is None

    async def test_a_rollback_stays_one(self, store):
        task = await store.add(new("1", state=TaskState.ROLLING_BACK, attempt=2), None)
        claimed = await claim(store, task)
        assert (claimed.state, claimed.attempt) == (TaskState.ROLLING_BACK, 2)

    async def test_a_server_is_asked_for_what_it_runs(self, store):
        task = await claim(store, await store.add(new("1"), None))
        await store.add(new("2"), None)
        assert await store.leased_to("here") == [task]
        assert await store.leased_to("elsewhere") == []


async def test_a_change_writes_only_what_differs(store):
    task = await store.add(new("1"), None)
    await store.change(task, replace(task, cancelling=True))
    assert await store.change(task, replace(task, note="noted"))
    assert await store.find("1") == replace(task, cancelling=True, note="noted")


async def test_a_change_that_somebody_asked_for_is_in_the_audit(store, database):
    task = await store.add(new("1"), None)
    with acting_as("a test"):
        await store.change(task, replace(task, note="not audited"))
        await store.change(task, rules.after_cancel(task, None, NOW), audited=True)
    async with database.session(readonly=True) as session:
        (row,) = (await session.scalars(select(AuditRow))).all()
    assert (row.subject, row.actor, row.account) == ("task/1", "system:a test", OWNER)
    assert '"state":"cancelled"' in row.after


async def test_counts_are_by_kind_and_state_and_know_the_oldest_that_waits(store):
    await store.add(new("1"), None)
    await store.add(new("2", state=TaskState.WAITING, waiting_since=NOW), None)
    await store.add(new("3", state=TaskState.WAITING, waiting_since=NOW - 5), None)
    assert sorted(await store.counts()) == [
        ("test.kind", "queued", 1, None),
        ("test.kind", "waiting", 2, NOW - 5),
    ]


async def test_what_has_ended_long_ago_is_forgotten(store):
    for id, finished in (("old", NOW - 10), ("recent", NOW), ("unfinished", None)):
        await store.add(new(id, finished_at=finished), None)
    assert await store.forget(NOW - 5) == 1
    assert [task.id for task in await store.page(OWNER, before="", limit=9)] == ["unfinished", "recent"]
