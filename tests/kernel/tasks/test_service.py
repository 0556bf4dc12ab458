"""Tasks from their start to their end, with the real engine.

To start the engine takes a second, so each test asks several things of one.
"""

import asyncio
import time

import pytest

from oxbow.kernel.audit import current_actor
from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.tasks import (
    StepFailed,
    TaskContext,
    TaskKind,
    TaskNotFound,
    TaskRefused,
    TaskState,
)

from .conftest import service

OWNER, STRANGER = 1, 2


async def nothing(context: TaskContext) -> None:
    """A task that has nothing to do."""


async def start(tasks, kind, **options):
    return await tasks.start(kind, account=OWNER, subject="it", **options)


async def test_a_task_runs_and_its_steps_give_their_results(tasks):
    heard = []

    async def double(number: int) -> int:
        heard.append(number)
        return number * 2

    async def run(context: TaskContext) -> None:
        first = await context.step("double", double, context.arguments["number"])
        heard.append(await context.step("again", double, first))
        heard.append(current_actor().name)
        await context.progress(0.5, "half of it")

    tasks.register(TaskKind("test.double", "Double a number twice", run))
    early = await start(tasks, "test.double", arguments={"number": 5})
    await tasks.open(OWNER)
    done = await tasks.until(early, state=TaskState.SUCCEEDED)
    assert (done.progress, done.note, done.attempt, done.server) == (1.0, "half of it", 1, "here")
    assert heard == [5, 10, 20, "system:test.double"]
    with pytest.raises(TaskRefused):
        await tasks.retry(done.id)
    with pytest.raises(TaskRefused):
        await tasks.cancel(done.id)


async def test_what_fails_is_tried_again_and_then_rolled_back(tasks):
    heard = []

    async def broken() -> None:
        heard.append("tried")
        raise RuntimeError("no luck")

    async def impossible() -> None:
        raise StepFailed("it can never be", permanent=True)

    async def run(context: TaskContext) -> None:
        await context.step("break", impossible if context.arguments.get("impossible") else broken)

    async def rollback(context: TaskContext) -> None:
        heard.append("undone")
        if heard.count("undone") == 1:
            raise RuntimeError("not yet")

    fast = {"attempts": 2, "backoff_seconds": 0.01}
    tasks.register(TaskKind("test.undoable", "Fails", run, rollback, **fast))
    tasks.register(TaskKind("test.plain", "Fails", run, **fast))
    await tasks.open(OWNER)

    undone = await tasks.until(await start(tasks, "test.undoable"), state=TaskState.ROLLED_BACK)
    assert heard == ["tried", "tried", "undone", "undone"]
    assert undone.attempt == 2

    failed = await tasks.until(await start(tasks, "test.plain"), state=TaskState.FAILED)
    assert (failed.error, failed.attempt) == ("RuntimeError: no luck", 2)
    await tasks.retry(failed.id)
    again = await tasks.until(failed, state=TaskState.FAILED, attempt=4)
    assert again.attempt_limit == 4

    hopeless = await start(tasks, "test.plain", arguments={"impossible": True})
    hopeless = await tasks.until(hopeless, state=TaskState.FAILED)
    assert (hopeless.error, hopeless.attempt) == ("it can never be", 1)


async def test_what_waits_shows_it_until_it_is_there_or_too_late(tasks):
    there = asyncio.Event()

    async def run(context: TaskContext) -> None:
        async def check() -> bool:
            return there.is_set()

        await context.wait("the postman", check, 0.02)
        await context.sleep(0.01, "a break")

    late = {"attempts": 1, "queue": "late", "concurrency": 1}
    tasks.register(TaskKind("test.wait", "Waits", run))
    tasks.register(TaskKind("test.late", "Waits in vain", run, deadline_seconds=0.3, **late))
    await tasks.open(OWNER)

    first, second = await start(tasks, "test.late"), await start(tasks, "test.late")
    first = await tasks.until(first, state=TaskState.FAILED)
    assert first.error == "not done in 0.3 seconds, it waits for the postman"
    assert (await tasks.until(second, state=TaskState.FAILED)).started_at >= first.finished_at

    task = await tasks.until(await start(tasks, "test.wait"), state=TaskState.WAITING)
    assert task.waits_for == "the postman"
    assert task.waiting_since == pytest.approx(time.time(), abs=10)
    with pytest.raises(TaskRefused):
        await tasks.retry(task.id)
    there.set()
    done = await tasks.until(task, state=TaskState.SUCCEEDED)
    assert (done.waits_for, done.waiting_since) == ("", None)


async def test_a_task_that_waits_keeps_nobody_else_waiting(tasks):
    there, heard, shown = asyncio.Event(), [], []

    async def note() -> None:
        heard.append("noted")

    async def run(context: TaskContext) -> None:
        async def check() -> bool:
            return there.is_set()

        await context.progress(0.1, "a tenth of it")
        await context.step("note", note)
        await context.sleep(0.01, "a break")
        await context.progress(0.5, "half of it")
        shown.append((await tasks.get(context.task.id)).note)
        await context.wait("the postman", check, 1.5)

    one = {"queue": "narrow", "concurrency": 1}
    tasks.register(TaskKind("test.wait", "Waits", run, **one))
    tasks.register(TaskKind("test.plain", "Does nothing", nothing, **one))
    await tasks.open(OWNER)

    waiting = await tasks.until(await start(tasks, "test.wait"), waits_for="the postman", lease="")
    await tasks.until(await start(tasks, "test.plain"), state=TaskState.SUCCEEDED)
    found = await tasks.get(waiting.id)
    assert (found.state, found.waits_for, found.note) == (TaskState.WAITING, "the postman", "half of it")

    there.set()
    await tasks.retry(waiting.id)  # It need not wait until it would look again by itself.
    done = await tasks.until(waiting, state=TaskState.SUCCEEDED)
    assert (heard, done.attempt, done.waits_for) == (["noted"], 1, "")
    assert set(shown) == {"half of it"}  # On its way back it does not begin anew before people's eyes.
    assert len(shown) > 1


async def test_a_pause_is_over_at_the_deadline_or_when_somebody_cancels(tasks):
    undone = []

    async def run(context: TaskContext) -> None:
        await context.sleep(3600, "a long break")

    async def rollback(context: TaskContext) -> None:
        undone.append(context.task.id)

    tasks.register(TaskKind("test.late", "Sleeps", run, rollback, deadline_seconds=0.5, attempts=1))
    tasks.register(TaskKind("test.patient", "Sleeps", run, rollback))
    await tasks.open(OWNER)
    late, patient = await start(tasks, "test.late"), await start(tasks, "test.patient")
    patient = await tasks.until(patient, waits_for="a long break", lease="")
    assert (await tasks.cancel(patient.id)).state is TaskState.ROLLING_BACK
    await tasks.until(patient, state=TaskState.CANCELLED)
    late = await tasks.until(late, state=TaskState.ROLLED_BACK)
    assert late.error == "not done in 0.5 seconds, it waits for a long break"
    assert set(undone) == {late.id, patient.id}


async def test_a_cancelled_task_ends_and_is_undone_if_it_had_begun(tasks):
    undone = []

    async def run(context: TaskContext) -> None:
        await context.wait("the end of days", _never, 0.02)

    async def rollback(context: TaskContext) -> None:
        undone.append(context.task.id)

    tasks.register(TaskKind("test.undoable", "Waits", run, rollback))
    tasks.register(TaskKind("test.plain", "Waits", run))
    await tasks.open(OWNER)

    running = await tasks.until(await start(tasks, "test.undoable"), state=TaskState.WAITING)
    assert (await tasks.cancel(running.id)).cancelling
    await tasks.until(running, state=TaskState.CANCELLED)
    assert undone == [running.id]

    plain = await tasks.until(await start(tasks, "test.plain"), state=TaskState.WAITING)
    await tasks.cancel(plain.id)
    await tasks.until(plain, state=TaskState.CANCELLED)

    later = await start(tasks, "test.undoable", at=time.time() + 3600)
    assert (await tasks.cancel(later.id)).state is TaskState.CANCELLED
    assert undone == [running.id]


async def _never() -> bool:
    return False


async def test_a_task_begins_at_its_time_or_when_somebody_wants_it_now(tasks):
    tasks.register(TaskKind("test.plain", "Does nothing", nothing))
    await tasks.open(OWNER)
    later = await start(tasks, "test.plain", at=time.time() + 3600)
    soon = await start(tasks, "test.plain", at=time.time() + 0.5)
    assert (await tasks.until(soon, state=TaskState.SUCCEEDED)).started_at >= soon.run_at
    assert (await tasks.get(later.id)).state is TaskState.QUEUED
    await tasks.retry(later.id)
    await tasks.until(later, state=TaskState.SUCCEEDED)


async def test_a_task_that_somebody_else_has_is_not_found(tasks):
    tasks.register(TaskKind("test.plain", "Does nothing", nothing))
    task = await start(tasks, "test.plain")
    assert await tasks.get(task.id, OWNER) == task
    for call in (tasks.get, tasks.retry, tasks.cancel):
        with pytest.raises(TaskNotFound):
            await call(task.id, STRANGER)
    assert await tasks.list(STRANGER) == []


async def test_a_database_that_is_away_costs_no_attempt(tasks):
    away = [DatabaseUnavailableError(), DatabaseUnavailableError()]

    async def write() -> None:
        if away:
            raise away.pop()

    async def run(context: TaskContext) -> None:
        await context.step("write", write)

    tasks.register(TaskKind("test.write", "Writes", run))
    await tasks.open(OWNER)
    assert (await tasks.until(await start(tasks, "test.write"), state=TaskState.SUCCEEDED)).attempt == 1


async def test_a_restart_goes_on_where_it_was_and_repeats_no_recorded_step(database):
    heard, there = [], asyncio.Event()

    async def note() -> str:
        heard.append("noted")
        return "a result"

    async def run(context: TaskContext) -> None:
        heard.append(await context.step("note", note))

        async def check() -> bool:
            return there.is_set()

        await context.wait("the second server", check, 0.02)

    kind = TaskKind("test.restart", "Survives", run)
    before = service(database)
    before.register(kind)
    await before.open(OWNER)
    task = await before.until(await start(before, "test.restart"), state=TaskState.WAITING)
    await before.close()
    assert (await before.get(task.id)).state is TaskState.WAITING

    there.set()
    after = service(database)
    after.register(kind)
    await after.open(OWNER)
    done = await after.until(task, state=TaskState.SUCCEEDED)
    await after.close()
    assert heard == ["noted", "a result", "a result"]
    assert (done.attempt, done.runs) == (1, 2)


async def test_one_that_starts_by_itself_starts_once_in_a_stretch(tasks):
    tasks.register(TaskKind("test.daily", "Does nothing", nothing, every_seconds=1e9))
    await tasks.open(OWNER)
    await tasks.until(await tasks.one_of(OWNER), state=TaskState.SUCCEEDED)
    again = service(tasks._database)
    again.register(TaskKind("test.daily", "Does nothing", nothing, every_seconds=1e9))
    await again._start_periodic()
    assert len(await tasks.list(OWNER)) == 1


def test_names_and_queues_are_agreed_upon(sqlite_database):
    tasks = service(sqlite_database)
    tasks.register(TaskKind("test.plain", "Does nothing", nothing, queue="q", concurrency=2))
    with pytest.raises(ValueError, match="registered already"):
        tasks.register(TaskKind("test.plain", "Does nothing", nothing))
    with pytest.raises(ValueError, match="agree on its concurrency"):
        tasks.register(TaskKind("test.other", "Does nothing", nothing, queue="q", concurrency=3))
