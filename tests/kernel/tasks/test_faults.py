"""Processes that run tasks are killed, suspended, or lose their database; every task runs to its end once."""

import asyncio
import multiprocessing
import os
import runpy
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.tasks import Task, TaskState
from oxbow.testing.postgres import PostgresServer

from .conftest import Tasks, service
from .server_of_tasks import PLACES, note_kind, wait_kind

PROGRAM = str(Path(__file__).with_name("server_of_tasks.py"))
OWNER = 1
POINTS = [
    "tasks.recorded",
    "tasks.enqueued",
    "tasks.claimed",
    "tasks.step_done",
    "tasks.step_recorded",
    "tasks.done",
    "tasks.settled",
]
"""In the order in which a task comes past them."""
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    ["oxbow.kernel.tasks.engine"]
)  # What takes a second to import is imported once.
Launch = Callable[..., BaseProcess]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start a process that runs tasks of a database."""
    (tmp_path / "points").mkdir()
    started = []

    def launch(url: str, name: str = "here") -> BaseProcess:
        arguments = {"ARGUMENTS": (url, name, tmp_path)}
        process = FORKED.Process(target=runpy.run_path, args=(PROGRAM, arguments, "__main__"))
        process.start()
        started.append(process)
        return process

    yield launch
    for process in started:
        process.kill()
        process.join()


async def end_of(process: BaseProcess) -> int | None:
    """Its exit code, once it has ended."""
    await asyncio.to_thread(process.join)
    return process.exitcode


def watching(database: Database, folder: Path) -> Tasks:
    """A service that starts tasks and looks at them, and runs none."""
    tasks = service(database, "watcher")
    tasks.register(note_kind(folder / "notes"))
    tasks.register(wait_kind(folder))
    return tasks


def notes(folder: Path) -> list[list[str]]:
    """The subject, the step, what happened, and in which process."""
    path = folder / "notes"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


async def start(tasks: Tasks, count: int) -> list[Task]:
    subjects = [f"task-{number}" for number in range(count)]
    return [await tasks.start("test.note", account=OWNER, subject=subject) for subject in subjects]


async def all_succeed(tasks: Tasks, started: list[Task]) -> list[Task]:
    return [await tasks.until(task, state=TaskState.SUCCEEDED) for task in started]


async def test_a_kill_at_each_point_between_effect_and_record(
    sqlite_database: Database, sqlite_url: str, launch: Launch, tmp_path: Path
):
    tasks = watching(sqlite_database, tmp_path)
    (task,) = await start(tasks, 1)
    for point in POINTS:
        (tmp_path / "points" / point).touch()
        assert await end_of(launch(sqlite_url)) == -signal.SIGKILL
        assert not (tmp_path / "points" / point).exists()
    again = launch(sqlite_url)
    done = await tasks.until(task, state=TaskState.SUCCEEDED)
    assert (done.attempt, done.error) == (1, "")
    ends = Counter(step for _, step, what, _ in notes(tmp_path) if what == "ends")
    assert ends == {"first": 2, "second": 1}  # Only what was done and not yet recorded is done again.
    await all_succeed(tasks, await start(tasks, 1))
    assert await tasks.get(task.id) == done
    again.terminate()
    assert await end_of(again) == 0


async def test_records_of_the_engine_that_are_lost_cost_no_task(
    sqlite_database: Database, sqlite_url: str, launch: Launch, tmp_path: Path
):
    tasks = watching(sqlite_database, tmp_path)
    (tmp_path / "points" / "tasks.step_done").touch()
    (task,) = await start(tasks, 1)
    await end_of(launch(sqlite_url))
    for file in Path(str(sqlite_database.url.database)).parent.glob("tasks.db*"):
        file.unlink()
    launch(sqlite_url)
    assert (await tasks.until(task, state=TaskState.SUCCEEDED)).attempt == 1


async def test_a_kill_while_tasks_wait_loses_neither_them_nor_what_they_did(
    sqlite_database: Database, sqlite_url: str, launch: Launch, tmp_path: Path
):
    tasks = watching(sqlite_database, tmp_path)
    waiting = [await tasks.start("test.wait", account=OWNER, subject="") for _ in range(2)]
    process = launch(sqlite_url)
    for task in waiting:  # One after the other: the queue has one place, and neither keeps it.
        await tasks.until(task, waits_for="the file", lease="")
    process.kill()
    await end_of(process)
    (tmp_path / "points" / "tasks.paused").touch()
    assert await end_of(launch(sqlite_url)) == -signal.SIGKILL
    (tmp_path / "there").touch()
    launch(sqlite_url)
    done = await all_succeed(tasks, waiting)
    assert {(task.attempt, task.waits_for) for task in done} == {(1, "")}
    assert len(notes(tmp_path)) == 2


@pytest.mark.postgres
class TestSeveralServersOnOneDatabase:
    async def test_each_task_runs_once_and_no_more_than_there_are_places(
        self, postgres_database: Database, postgres_url: str, launch: Launch, tmp_path: Path
    ):
        tasks = watching(postgres_database, tmp_path)
        for name in ("one", "two"):
            launch(postgres_url, name)
        await all_succeed(tasks, await start(tasks, 12))
        lines = notes(tmp_path)
        assert set(Counter((subject, step, what) for subject, step, what, _ in lines).values()) == {1}
        running = accumulate(1 if what == "begins" else -1 for _, _, what, _ in lines)
        assert max(running) <= PLACES  # Of the queue, on both together.

    async def test_one_that_is_gone_for_good_is_taken_over(
        self, postgres_database: Database, postgres_url: str, launch: Launch, tmp_path: Path
    ):
        tasks = watching(postgres_database, tmp_path)
        (tmp_path / "points" / "tasks.step_done").touch()
        started = await start(tasks, 6)
        one = launch(postgres_url, "one")
        assert await end_of(one) == -signal.SIGKILL
        launch(postgres_url, "two")
        done = await all_succeed(tasks, started)
        assert {task.server for task in done} == {"two"}
        assert {task.attempt for task in done} == {1}

    async def test_one_that_was_only_asleep_has_no_say_any_more(
        self, postgres_database: Database, postgres_url: str, launch: Launch, tmp_path: Path
    ):
        tasks = watching(postgres_database, tmp_path)
        one = launch(postgres_url, "one")
        (task,) = await start(tasks, 1)
        await tasks.until(task, state=TaskState.RUNNING)
        os.kill(one.pid, signal.SIGSTOP)
        launch(postgres_url, "two")
        done = await tasks.until(task, state=TaskState.SUCCEEDED)
        assert done.server == "two"
        os.kill(one.pid, signal.SIGCONT)
        (after,) = await start(tasks, 1)
        await tasks.until(after, state=TaskState.SUCCEEDED)
        assert await tasks.get(task.id) == done


@pytest.mark.postgres
async def test_postgresql_that_is_restarted_costs_no_task(
    postgres_server: PostgresServer,
    postgres_database: Database,
    postgres_url: str,
    launch: Launch,
    tmp_path: Path,
):
    tasks = watching(postgres_database, tmp_path)
    started = await start(tasks, 30)
    process = launch(postgres_url)
    await tasks.until(started[0], state=TaskState.SUCCEEDED)
    await asyncio.to_thread(postgres_server.stop)
    await asyncio.to_thread(postgres_server.start)
    done = await all_succeed(tasks, started)
    assert {(task.attempt, task.error) for task in done} == {(1, "")}
    process.terminate()
    assert await end_of(process) == 0
