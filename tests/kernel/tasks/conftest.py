"""A task service that runs what a test registers, with the real engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.settings.tasks import TaskSettings
from oxbow.kernel.tasks import Task, TaskService

SECONDS = 30.0


class Tasks(TaskService):
    """One that can be asked to wait for what a person would look at again and again for."""

    async def until(self, task: Task, **wanted: object) -> Task:
        """The task once its fields have these values."""
        found = task
        try:
            async with asyncio.timeout(SECONDS):
                while any(getattr(found, name) != value for name, value in wanted.items()):
                    await asyncio.sleep(0.02)
                    found = await self.get(task.id)
                return found
        except TimeoutError:
            raise AssertionError(f"not {wanted}: {found}") from None

    async def one_of(self, account: int) -> Task:
        """The account's only task, once it is there."""
        async with asyncio.timeout(SECONDS):
            while not (found := await self.list(account)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        (task,) = found
        return task


def service(database: Database, server: str = "here") -> Tasks:
    return Tasks(TaskSettings(poll_seconds=0.05), database, server=server)


@pytest.fixture
async def tasks(sqlite_database: Database) -> AsyncIterator[Tasks]:
    """To be opened by the test once its kinds are registered."""
    tasks = service(sqlite_database)
    yield tasks
    await tasks.close()
