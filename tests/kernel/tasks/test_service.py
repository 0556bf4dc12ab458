"""Tasks from their start to their end, with the real engine, on each database that Oxbow supports."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.tasks import Task, TaskContext, TaskKind, TaskService, TaskState
from oxbow.kernel.tasks.settings import TaskSettings

OWNER, STRANGER = 1, 2


@pytest.fixture
async def tasks(database: Database) -> AsyncIterator[TaskService]:
    service = TaskService(TaskSettings(poll_seconds=0.05), database, server="here")
    yield service
    await service.close()


async def ended(tasks: TaskService, task: Task) -> Task:
    async def get() -> bool:
        return (await tasks.get(task.id)).state.ended

    for _ in range(600):
        if await get():
            return await tasks.get(task.id)
        await asyncio.sleep(0.05)
    raise AssertionError(await tasks.get(task.id))


async def test_a_task_is_run_and_its_steps_give_their_results(tasks):
    heard = []

    async def double(number: int) -> int:
        heard.append(number)
        return number * 2

    async def run(context: TaskContext) -> None:
        first = await context.step("double", double, context.arguments["number"])
        heard.append(await context.step("again", double, first))

    tasks.register(TaskKind("test.double", "Double a number twice", run))
    await tasks.open(OWNER)
    task = await tasks.start("test.double", account=OWNER, subject="five", arguments={"number": 5})
    done = await ended(tasks, task)
    assert (done.state, done.progress, done.attempt, done.error) == (TaskState.SUCCEEDED, 1.0, 1, "")
    assert heard == [5, 10, 20]
