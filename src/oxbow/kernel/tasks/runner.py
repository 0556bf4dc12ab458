"""Running one turn of a task, from its claim to the record of how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from oxbow.kernel.audit import acting_as
from oxbow.kernel.logs import get_logger
from oxbow.kernel.tasks import rules
from oxbow.kernel.tasks.context import Recorder, TaskContext, describe
from oxbow.kernel.tasks.crash import crash_point
from oxbow.kernel.tasks.errors import StepFailed, Superseded
from oxbow.kernel.tasks.models import Task, TaskKind, TaskState
from oxbow.kernel.tasks.patience import patiently
from oxbow.kernel.tasks.store import TaskStore

log = get_logger(__name__)


class Runner:
    """Runs what the engine hands it, on this server.

    :param poke: told when a task wants to be handed to the engine again.
    """

    def __init__(
        self, store: TaskStore, kinds: Mapping[str, TaskKind], server: str, poke: Callable[[], None]
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._server = server
        self._poke = poke
        self._expected: dict[str, str] = {}
        self._begun: set[str] = set()
        self._work: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()

    @property
    def leases(self) -> set[str]:
        """What runs here, or is about to."""
        return self._begun.union(self._expected.values())

    def expect(self, tasks: Iterable[Task]) -> None:
        """The engine is told to run these; it runs nothing else."""
        self._expected.update((task.execution, task.lease) for task in tasks)

    def expect_no_more(self, tasks: Iterable[Task]) -> None:
        """It turned out that it does not."""
        for task in tasks:
            self._expected.pop(task.execution, None)

    async def execute(self, execution: str, recorder: Recorder) -> bool:
        """Run the turn of that name; False if it has not ended but paused, or is not for us to run."""
        id, _, turn = execution.rpartition(".")
        lease = self._expected.pop(execution, None)
        if lease is None:
            found = await patiently(lambda: self._store.find(id))
            return found is None or found.turn != int(turn)
        self._begun.add(lease)
        try:
            return await self._execute(id, lease, recorder)
        finally:
            self._begun.discard(lease)

    async def _execute(self, id: str, lease: str, recorder: Recorder) -> bool:
        task = await self._begin(id, lease)
        crash_point("tasks.claimed")
        kind = self._kinds.get(task.kind)
        if task.cancelling and task.state is not TaskState.ROLLING_BACK:
            await self._settle(task, rules.after_cancel(task, kind, time.time()))
        elif kind is None:
            await self._settle(task, rules.of_no_kind(task, time.time()))
        elif task.runs > rules.MAX_RUNS:
            error = f"the server died {rules.MAX_RUNS} times while it ran"
            await self._settle(task, rules.after_failure(task, kind, error, time.time(), permanent=True))
        else:
            return await self._run(task, kind, recorder)
        return True

    def cancel(self, lease: str) -> None:
        """End a run because somebody wants the task gone."""
        if lease in self._work:
            self._cancelled.add(lease)
            self._work[lease].cancel()

    async def close(self) -> None:
        """End every run; they are begun again at the next start."""
        work = list(self._work.values())
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    async def _begin(self, id: str, lease: str) -> Task:
        found = await patiently(lambda: self._store.find(id))
        kind = self._kinds.get(found.kind) if found is not None else None
        seconds = kind.deadline_seconds if kind is not None else 0.0
        task = await patiently(
            lambda: self._store.begin(id, lease, now=time.time(), deadline_seconds=seconds)
        )
        if task is None:
            raise Superseded
        return task

    async def _run(self, task: Task, kind: TaskKind, recorder: Recorder) -> bool:
        context = TaskContext(task, self._store, recorder)
        rolling_back = task.state is TaskState.ROLLING_BACK
        function = kind.rollback if rolling_back and kind.rollback is not None else kind.run
        work = asyncio.ensure_future(_acting(kind, function(context)))
        self._work[task.lease] = work
        try:
            late = await self._ended_in_time(work, task)
            after = self._after(context, kind, work, late=late)
        finally:
            del self._work[task.lease]
            self._cancelled.discard(task.lease)
        if after.turn == task.turn:
            await self._pause(context.task, after)
            return False
        crash_point("tasks.done")
        await self._settle(context.task, after)
        return True

    async def _ended_in_time(self, work: asyncio.Task[None], task: Task) -> bool:
        """Await the end of the work, for as long as it has; whether it was too late."""
        remaining = max(0.0, (task.deadline or 0.0) - time.time())
        try:
            await asyncio.wait([work], timeout=remaining)
            late = not work.done()
        finally:
            work.cancel()
            await asyncio.wait([work])
        return late

    def _after(self, context: TaskContext, kind: TaskKind, work: asyncio.Task[None], *, late: bool) -> Task:
        """What becomes of the task; CancelledError if that is for somebody else to say, now or later."""
        task, now = context.task, time.time()
        if late:
            reason = f", it waits for {task.waits_for}" if task.waits_for else ""
            return rules.after_failure(
                task, kind, f"not done in {kind.deadline_seconds:g} seconds{reason}", now
            )
        if work.cancelled():
            if task.lease in self._cancelled:
                return rules.after_cancel(task, kind, now)
            if context.paused_until is None:
                raise asyncio.CancelledError
            return rules.after_pause(task, context.paused_until, now)
        error = work.exception()
        if error is None:
            return rules.after_success(task, now)
        permanent = isinstance(error, StepFailed) and error.permanent
        if not isinstance(error, StepFailed):
            log.error("task_raised", task=task.id, kind=task.kind, subject=task.subject, exc_info=error)
        return rules.after_failure(task, kind, describe(error), now, permanent=permanent)

    async def _pause(self, before: Task, after: Task) -> None:
        if not await patiently(lambda: self._store.change(before, after)):
            raise Superseded
        crash_point("tasks.paused")
        self._poke()

    async def _settle(self, before: Task, after: Task) -> None:
        if not await patiently(lambda: self._store.change(before, after)):
            raise Superseded
        crash_point("tasks.settled")
        tell = log.info if not after.error else log.warning
        tell(
            "task_" + _SAID[after.state],
            task=after.id,
            kind=after.kind,
            subject=after.subject,
            attempt=after.attempt,
            error=after.error or None,
        )
        self._poke()


_SAID = {
    TaskState.QUEUED: "failed_and_is_tried_again",
    TaskState.ROLLING_BACK: "is_rolled_back",
    TaskState.SUCCEEDED: "succeeded",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
    TaskState.ROLLED_BACK: "rolled_back",
}


async def _acting(kind: TaskKind, work: Awaitable[None]) -> None:
    with acting_as(kind.name):
        await work
