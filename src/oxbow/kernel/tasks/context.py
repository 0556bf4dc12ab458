"""What a kind's code works with while one of its tasks runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from oxbow.kernel.tasks.crash import crash_point
from oxbow.kernel.tasks.errors import Paused, StepFailed, Superseded
from oxbow.kernel.tasks.models import Task, TaskState
from oxbow.kernel.tasks.patience import patiently
from oxbow.kernel.tasks.pauses import HOLD_SECONDS, next_look
from oxbow.kernel.tasks.store import TaskStore

T = TypeVar("T")


class Recorder(Protocol):
    """The part of the engine that a running task needs."""

    async def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """The recorded result, or that of `effect`, which is recorded."""


class TaskContext:
    """One turn of one task. Steps, waits and sleeps are awaited one after the other, never side by side.

    A wait or sleep of more than a moment gives up the task's place in its queue: the code ends there by a
    CancelledError, and when its time has come it is run again from its start. Recorded steps return what they
    returned, so what is between them must be harmless when done twice.
    """

    def __init__(self, task: Task, store: TaskStore, recorder: Recorder) -> None:
        self.task = task
        self._store = store
        self._recorder = recorder
        self.paused_until: float | None = None
        """When the task wants to go on, if this run of it gave up its place."""
        # What the code says on its way back to where it waited, people have seen already.
        self._on_the_way_back = bool(task.waits_for)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the task was started with."""
        return self.task.arguments

    async def step(self, name: str, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Call the function, and record its result, which must be JSON.

        After a crash the attempt is run again, and a recorded step returns its result without a call. Between
        the call and the record the process may die, so what the function does must be harmless when done
        twice. A new attempt begins with nothing recorded. While the database is away the call is made again
        and again.

        :raises StepFailed: with the text of whatever the function raised.
        """

        async def effect() -> dict[str, Any]:
            self._on_the_way_back = False
            await self._still_ours()
            outcome = await _outcome(lambda: function(*args))
            crash_point("tasks.step_done")
            return outcome

        outcome = await self._recorder.step(name, effect)
        crash_point("tasks.step_recorded")
        if "error" in outcome:
            raise StepFailed(outcome["error"], permanent=outcome["permanent"])
        result: T = outcome["result"]
        return result

    async def progress(self, fraction: float, note: str = "") -> None:
        """Show how far the task is, from 0 to 1, and what it does now."""
        if not self._on_the_way_back:
            await self._show(progress=min(max(fraction, 0.0), 1.0), note=note)

    async def wait(self, what: str, check: Callable[[], Awaitable[bool]], every_seconds: float) -> None:
        """Wait until `check` says yes, or for the deadline; `what` and since when are shown.

        :param every_seconds: how often to ask at first; the longer it takes, the rarer it is asked.
        """

        async def until_it_is_there() -> None:
            await self._show_waiting(what)
            while not await check():
                await self._still_ours()
                await self._pause(next_look(time.time(), self.task.waiting_since, every_seconds))

        await self.step(f"wait: {what}", until_it_is_there)
        await self._waited(what)

    async def sleep(self, seconds: float, what: str) -> None:
        """Do nothing for so long, restarts included; `what` is shown as what the task waits for."""

        async def moment() -> float:
            return time.time() + seconds

        until = await self.step(f"sleep: {what}", moment)
        if until > time.time():
            self._on_the_way_back = False
            await self._show_waiting(what)
            await self._pause(until)
        await self._waited(what)

    async def _waited(self, what: str) -> None:
        if self.task.waits_for == what:
            self._on_the_way_back = False
            await self._show_waiting("")

    async def _pause(self, until: float) -> None:
        """A moment is slept through; for anything longer the place in the queue is given up."""
        seconds = until - time.time()
        if seconds > HOLD_SECONDS:
            self.paused_until = until
            raise Paused
        await asyncio.sleep(max(0.0, seconds))

    async def _show_waiting(self, what: str) -> None:
        since = self.task.waiting_since if what == self.task.waits_for else None
        state = TaskState.WAITING if what else TaskState.RUNNING
        if self.task.state is TaskState.ROLLING_BACK:
            state = self.task.state
        waiting_since = (since or time.time()) if what else None
        if (state, what, waiting_since) != (self.task.state, self.task.waits_for, self.task.waiting_since):
            await self._show(state=state, waits_for=what, waiting_since=waiting_since)

    async def _show(self, **changes: Any) -> None:
        after = replace(self.task, updated_at=time.time(), **changes)
        if not await patiently(lambda: self._store.change(self.task, after)):
            raise Superseded
        self.task = after

    async def _still_ours(self) -> None:
        if not await patiently(lambda: self._store.holds(self.task)):
            raise Superseded


async def _outcome(call: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    try:
        return {"result": await patiently(call)}
    except StepFailed as failure:
        return {"error": failure.message, "permanent": failure.permanent}
    except Exception as error:
        return {"error": describe(error), "permanent": False}


def describe(error: BaseException) -> str:
    """An error in one line, for people."""
    text = str(error) or "no details"
    return text if isinstance(error, StepFailed) else f"{type(error).__name__}: {text}"
