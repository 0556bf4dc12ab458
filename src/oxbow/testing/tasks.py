"""Running a task's code by itself, for the tests of a room."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from oxbow.kernel.tasks import Task, TaskContext, TaskState
from oxbow.kernel.tasks.store import TaskStore

T = TypeVar("T")


class InlineContext(TaskContext):
    """A context without engine and database: steps are calls, waits ask once, nothing sleeps.

    A function that a step calls raises what it raises; what was shown is in `shown`.
    """

    def __init__(self, arguments: Mapping[str, Any] | None = None, subject: str = "") -> None:
        now = time.time()
        task = Task("0", "test", 1, subject, dict(arguments or {}), TaskState.RUNNING, now, now, now)
        super().__init__(task, TaskStore.__new__(TaskStore), self)
        self.steps: list[str] = []
        self.shown: list[tuple[float, str]] = []
        self.waited: list[str] = []

    async def step(self, name: str, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        self.steps.append(name)
        return await function(*args)

    async def progress(self, fraction: float, note: str = "") -> None:
        self.shown.append((fraction, note))

    async def wait(self, what: str, check: Callable[[], Awaitable[bool]], every_seconds: float) -> None:
        self.waited.append(what)
        if not await check():
            raise TimeoutError(what)

    async def sleep(self, seconds: float, what: str) -> None:
        self.waited.append(what)
