"""The contract of the tasks' store, on each database that Oxbow supports."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from oxbow.kernel.audit import acting_as
from oxbow.kernel.audit.store import AuditRow
from oxbow.kernel.database import Database
from oxbow.kernel.tasks import Task, TaskState, rules
from oxbow.kernel.tasks.models import Queue
from oxbow.kernel.tasks.store import TaskStore

OWNER, STRANGER = 1, 2
NOW = 1_700_000_000.25


@pytest.fixture
def store(database: Database) -> TaskStore:
    return TaskStore(database)


def new(id: str, **changes: object) -> Task:
    task = Task(id, "test.kind", OWNER, "subject", {"a": [1, None]}, TaskState.QUEUED, NOW, NOW, NOW)
    return replace(task, **changes)


QUEUE = {"test.kind": Queue("test", 2)}


async def take(store: TaskStore, now: float = NOW, server: str = "here") -> list[Task]:
    return await store.take(now, server, QUEUE)


async def begin(store: TaskStore, task: Task, now: float = NOW + 1) -> Task | None:
    return await store.begin(task.id, task.lease, now=now, deadline_seconds=60.0)


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


class TestPlaces:
    async def test_what_is_due_gets_a_place_once(self, store):
        await store.add(new("now"), None)
        await store.add(new("later", run_at=NOW + 60), None)
        assert await store.look(NOW, "here") == ({"test.kind"}, [])
        (task,) = await take(store)
        assert (task.id, task.server, task.handed, bool(task.lease)) == ("now", "here", True, True)
        assert await take(store) == []
        assert await store.look(NOW, "here") == (set(), [task])
        assert await store.look(NOW, "elsewhere") == (set(), [])
        assert [task.id for task in await take(store, NOW + 60)] == ["later"]

    async def test_a_queue_has_so_many_places_on_all_servers_together(self, store):
        for id in ("1", "2", "3", "4"):
            await store.add(new(id), None)
        taken = await asyncio.gather(*(take(store, server=name) for name in ("one", "two", "three")))
        assert len([task for each in taken for task in each]) == 2
        (first, *_) = [task for each in taken for task in each]
        await store.change(first, rules.after_success(first, NOW))
        assert len(await take(store)) == 1

    async def test_the_kinds_of_a_queue_share_its_places_and_other_queues_have_their_own(self, store):
        shared, alone = Queue("shared", 1), Queue("alone", 1)
        queues = {"test.kind": shared, "test.other": shared, "test.third": alone}
        for id, kind in enumerate(queues):
            await store.add(new(str(id), kind=kind), None)
        taken = await store.take(NOW, "here", queues)
        assert sorted(task.kind == "test.third" for task in taken) == [False, True]

    async def test_a_task_that_pauses_has_no_place_and_goes_behind_those_who_have_not_begun(self, store):
        await store.add(new("1"), None)
        (task,) = await take(store)
        waiting = replace(await begin(store, task), waits_for="it", waiting_since=NOW)
        await store.change(task, waiting)
        assert await store.change(waiting, rules.after_pause(waiting, NOW + 5, NOW))
        assert await take(store, NOW + 4) == []
        for id in ("2", "3"):
            await store.add(new(id, run_at=NOW + 6), None)
        assert [task.id for task in await take(store, NOW + 9)] == ["2", "3"]

    async def test_what_nobody_runs_is_taken_again_with_another_lease(self, store):
        await store.add(new("1"), None)
        (first,) = await take(store)
        begun = await begin(store, first)
        await store.release([first])
        (second,) = await take(store, server="there")
        assert (second.turn, second.server) == (first.turn, "there")
        assert not await store.holds(begun)
        assert not await store.change(begun, replace(begun, note="from the grave"))
        assert await begin(store, begun) is None


class TestBeginning:
    async def taken(self, store: TaskStore, **changes: object) -> Task:
        await store.add(new("1", **changes), None)
        (task,) = await take(store)
        return task

    async def test_an_attempt_begins(self, store):
        begun = await begin(store, await self.taken(store))
        assert (begun.state, begun.attempt, begun.runs) == (TaskState.RUNNING, 1, 1)
        assert (begun.started_at, begun.deadline) == (NOW + 1, NOW + 61)
        assert await store.find("1") == begun

    async def test_to_begin_it_again_after_a_crash_is_the_same_attempt(self, store):
        begun = await begin(store, await self.taken(store))
        await store.release([begun])
        (again,) = await take(store)
        second = await begin(store, again, now=NOW + 30)
        assert (second.attempt, second.runs, second.deadline) == (1, 2, NOW + 61)

    async def test_going_on_after_a_pause_is_the_same_attempt_and_still_waits(self, store):
        task = await begin(store, await self.taken(store))
        waiting = replace(task, state=TaskState.WAITING, waits_for="it", waiting_since=NOW + 2, progress=0.5)
        await store.change(task, waiting)
        await store.change(waiting, rules.after_pause(waiting, NOW + 5, NOW + 3))
        (again,) = await take(store, NOW + 5)
        on = await begin(store, again, now=NOW + 5)
        assert (on.attempt, on.runs, on.deadline) == (1, 1, NOW + 61)
        assert (on.state, on.waits_for, on.waiting_since, on.progress) == ("waiting", "it", NOW + 2, 0.5)

    async def test_a_rollback_stays_one(self, store):
        begun = await begin(store, await self.taken(store, state=TaskState.ROLLING_BACK, attempt=2))
        assert (begun.state, begun.attempt) == (TaskState.ROLLING_BACK, 2)

    async def test_what_was_cancelled_just_before_does_not_begin(self, store):
        task = await self.taken(store)
        await store.change(task, replace(task, cancelling=True))
        assert (await begin(store, task)).attempt == 0


async def test_the_present_executions_of_tasks(store):
    task = await store.add(new("1"), None)
    await store.change(task, replace(task, turn=3))
    assert await store.present(["1", "unknown"]) == {"1.3"}


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
