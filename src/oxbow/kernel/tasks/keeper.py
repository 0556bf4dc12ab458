"""The one loop that hands due tasks to the engine, and sees to what nobody else does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.kernel.tasks.crash import crash_point
from oxbow.kernel.tasks.models import Task
from oxbow.kernel.tasks.patience import patiently
from oxbow.kernel.tasks.presence import Presence
from oxbow.kernel.tasks.runner import Runner
from oxbow.kernel.tasks.store import TaskStore

if TYPE_CHECKING:
    from oxbow.kernel.tasks.engine import Engine

ROUND_SECONDS = 1.0
COUNT_SECONDS = 5.0
FORGET_SECONDS = 60.0
HAND_AT_ONCE = 100
DAY = 86_400.0

log = get_logger(__name__)

Counts = Sequence[tuple[str, str, int, float | None]]


class Keeper:
    """One in each server.

    :param queue_of: the queue of a kind, also of one that this version does not know.
    :param start_periodic: starts the tasks that nobody has to ask for.
    :param presence: None where no other server can share the database.
    """

    def __init__(
        self,
        store: TaskStore,
        runner: Runner,
        presence: Presence | None,
        *,
        server: str,
        keep_days: int,
        queue_of: Callable[[str], str],
        start_periodic: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._runner = runner
        self._presence = presence
        self._server = server
        self._keep_days = keep_days
        self._queue_of = queue_of
        self._start_periodic = start_periodic
        self._poked = asyncio.Event()
        self._count_at = 0.0
        self._forget_at = time.monotonic() + FORGET_SECONDS
        self.counts: Counts = ()

    def poke(self) -> None:
        """Something may be due: don't wait for the next round."""
        self._poked.set()

    async def run(self, engine: Engine) -> None:
        """For as long as the server lives."""
        await patiently(lambda: self._reconcile(engine, self._server))
        while True:
            try:
                await self._round(engine)
            except DatabaseUnavailableError:
                pass
            except Exception:
                log.exception("task_round_failed")
            await self._pause()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROUND_SECONDS):
                await self._poked.wait()
        self._poked.clear()

    async def _round(self, engine: Engine) -> None:
        await self._start_periodic()
        await self._hand_over(engine)
        await self._cancel_what_was_asked()
        if self._presence is not None:
            await self._watch(engine, self._presence)
        await self._count()
        await self._forget(engine)

    async def _hand_over(self, engine: Engine) -> None:
        while due := await self._store.due(time.time(), HAND_AT_ONCE):
            crash_point("tasks.recorded")
            await engine.enqueue((task.execution, self._queue_of(task.kind)) for task in due)
            crash_point("tasks.enqueued")
            await self._store.mark_handed(due)

    async def _cancel_what_was_asked(self) -> None:
        """The API that was asked may be another server's."""
        if self._runner.leases:
            for task in await self._store.leased_to(self._server):
                if task.cancelling:
                    self._runner.cancel(task.lease)

    async def _watch(self, engine: Engine, presence: Presence) -> None:
        await presence.beat()
        for server in await presence.gone():
            log.warning("server_is_gone_and_its_tasks_are_taken_over", server=server)
            await engine.take_over(server)
            await self._reconcile(engine, server)
            await presence.forget(server)

    async def _reconcile(self, engine: Engine, server: str) -> None:
        """Give a new turn to tasks that a server ran, by our table, and that the engine knows nothing of.

        Its records may have been lost, with a file or by going back to a backup; ours count.
        """
        leased = [
            task for task in await self._store.leased_to(server) if task.lease not in self._runner.leases
        ]
        known = await engine.unfinished([task.execution for task in leased]) if leased else set()
        for task in leased:
            if task.execution not in known:
                await self._store.change(task, _again(task))

    async def _count(self) -> None:
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + COUNT_SECONDS
            self.counts = await self._store.counts()

    async def _forget(self, engine: Engine) -> None:
        if time.monotonic() < self._forget_at:
            return
        self._forget_at = time.monotonic() + FORGET_SECONDS
        await engine.forget()
        await self._store.forget(time.time() - self._keep_days * DAY)


def _again(task: Task) -> Task:
    return replace(task, turn=task.turn + 1, lease="", handed=False)
