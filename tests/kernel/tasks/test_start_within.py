"""A task that is recorded in somebody's transaction shares its fate."""

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.settings.tasks import TaskSettings
from oxbow.kernel.tasks import TaskContext, TaskKind, TaskNotFound, TaskService


async def nothing(context: TaskContext) -> None:
    """Does it."""


@pytest.fixture
def tasks(database: Database) -> TaskService:
    service = TaskService(TaskSettings(), database, server="here")
    service.register(TaskKind("test.nothing", "Do nothing", nothing))
    return service


async def test_it_is_there_once_the_transaction_is_committed(tasks: TaskService, database: Database):
    async with database.session() as session:
        task = tasks.start_within(session, "test.nothing", account=1, subject="it", arguments={"a": 1})
    assert await tasks.get(task.id) == task


async def test_it_never_was_if_the_transaction_fails(tasks: TaskService, database: Database):
    with pytest.raises(RuntimeError):
        async with database.session() as session:
            task = tasks.start_within(session, "test.nothing", account=1, subject="it")
            raise RuntimeError
    with pytest.raises(TaskNotFound):
        await tasks.get(task.id)
