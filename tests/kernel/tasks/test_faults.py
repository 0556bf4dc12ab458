"""Processes that run tasks are killed, suspended, or lose their database; every task runs to its end once."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.tasks import Task, TaskState
from oxbow.testing.postgres import PostgresServer

from .conftest import Tasks, service
from .server_of_tasks import note_kind

PROGRAM = Path(__file__).with_name("server_of_tasks.py")
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
Launch = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """Start a process that runs tasks of a database."""
    (tmp_path / "points").mkdir()
    started = []

    async def launch(url: str, name: str = "here") -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(sys.executable, PROGRAM, url, name, tmp_path)
        started.append(process)
        return process

    yield launch
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def watching(database: Database, folder: Path) -> Tasks:
    """A service that starts tasks and looks at them, and runs none."""
    tasks = service(database, "watcher")
    tasks.register(note_kind(folder / "notes"))
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
        assert await (await launch(sqlite_url)).wait() == -signal.SIGKILL
        assert not (tmp_path / "points" / point).exists()
    again = await launch(sqlite_url)
    done = await tasks.until(task, state=TaskState.SUCCEEDED)
    assert (done.attempt, done.error) == (1, "")
    ends = Counter(step for _, step, what, _ in notes(tmp_path) if what == "ends")
    assert ends == {"first": 2, "second": 1}  # Only what was done and not yet recorded is done again.
    await all_succeed(tasks, await start(tasks, 1))
    assert await tasks.get(task.id) == done
    again.terminate()
    assert await again.wait() == 0


async def test_records_of_the_engine_that_are_lost_cost_no_task(
    sqlite_database: Database, sqlite_url: str, launch: Launch, tmp_path: Path
):
    tasks = watching(sqlite_database, tmp_path)
    (tmp_path / "points" / "tasks.step_done").touch()
    (task,) = await start(tasks, 1)
    await (await launch(sqlite_url)).wait()
    for file in Path(str(sqlite_database.url.database)).parent.glob("tasks.db*"):
        file.unlink()
    await launch(sqlite_url)
    assert (await tasks.until(task, state=TaskState.SUCCEEDED)).attempt == 1


@pytest.mark.postgres
class TestSeveralServersOnOneDatabase:
    async def test_no_task_runs_twice_at_a_time_and_each_steps_once(
        self, postgres_database: Database, postgres_url: str, launch: Launch, tmp_path: Path
    ):
        tasks = watching(postgres_database, tmp_path)
        started = await start(tasks, 20)
        for name in ("one", "two"):
            await launch(postgres_url, name)
        done = await all_succeed(tasks, started)
        assert {task.server for task in done} == {"one", "two"}
        assert set(Counter((subject, step, what) for subject, step, what, _ in notes(tmp_path)).values()) == {
            1
        }

    async def test_one_that_is_gone_for_good_is_taken_over(
        self, postgres_database: Database, postgres_url: str, launch: Launch, tmp_path: Path
    ):
        tasks = watching(postgres_database, tmp_path)
        (tmp_path / "points" / "tasks.step_done").touch()
        started = await start(tasks, 6)
        one = await launch(postgres_url, "one")
        assert await one.wait() == -signal.SIGKILL
        await launch(postgres_url, "two")
        done = await all_succeed(tasks, started)
        assert {task.server for task in done} == {"two"}
        assert {task.attempt for task in done} == {1}

    async def test_one_that_was_only_asleep_has_no_say_any_more(
        self, postgres_database: Database, postgres_url: str, launch: Launch, tmp_path: Path
    ):
        tasks = watching(postgres_database, tmp_path)
        one = await launch(postgres_url, "one")
        (task,) = await start(tasks, 1)
        await tasks.until(task, state=TaskState.RUNNING)
        os.kill(one.pid, signal.SIGSTOP)
        await launch(postgres_url, "two")
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
    process = await launch(postgres_url)
    await tasks.until(started[0], state=TaskState.SUCCEEDED)
    await asyncio.to_thread(postgres_server.stop)
    await asyncio.to_thread(postgres_server.start)
    done = await all_succeed(tasks, started)
    assert {(task.attempt, task.error) for task in done} == {(1, "")}
    process.terminate()
    assert await process.wait() == 0
