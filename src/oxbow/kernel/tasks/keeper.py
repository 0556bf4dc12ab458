"""The one loop that hands due tasks to the engine, and sees to what nobody else does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.kernel.settings.tasks import TaskSettings
from oxbow.kernel.tasks import rules
from oxbow.kernel.tasks.crash import crash_point
from oxbow.kernel.tasks.engine_on_demand import EngineOnDemand
from oxbow.kernel.tasks.models import Queue, Task
from oxbow.kernel.tasks.presence import Presence
from oxbow.kernel.tasks.runner import Runner
from oxbow.kernel.tasks.store import TaskStore

if TYPE_CHECKING:
    from oxbow.kernel.tasks.engine import Engine

COUNT_SECONDS = 5.0
FORGET_SECONDS = 60.0
DROP_SECONDS = 3600.0
DAY = 86_400.0

log = get_logger(__name__)

Counts = Sequence[tuple[str, str, int, float | None]]


class Keeper:
    """One in each server.

    :param queues: the queue of each kind, and of those that are named but that this version does not know.
    :param start_periodic: starts the tasks that nobody has to ask for.
    :param presence: None where no other server can share the database.
    """

    def __init__(
        self,
        store: TaskStore,
        runner: Runner,
        engine: EngineOnDemand,
        presence: Presence | None,
        *,
        server: str,
        settings: TaskSettings,
        queues: Callable[[Iterable[str]], Mapping[str, Queue]],
        start_periodic: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._runner = runner
        self._engine = engine
        self._presence = presence
        self._server = server
        self._settings = settings
        self._queues = queues
        self._start_periodic = start_periodic
        self._poked = asyncio.Event()
        self._count_at = 0.0
        self._forget_at = time.monotonic() + FORGET_SECONDS
        self._drop_at = 0.0
        self.counts: Counts = ()

    def poke(self) -> None:
        """Something may be due: don't wait for the next round."""
        self._poked.set()

    async def run(self) -> None:
        """For as long as the server lives."""
        while True:
            try:
                await self._round()
            except DatabaseUnavailableError:
                pass
            except Exception:
                log.exception("task_round_failed")
            await self._pause()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.poll_seconds):
                await self._poked.wait()
        self._poked.clear()

    async def _round(self) -> None:
        await self._start_periodic()
        due, held = await self._store.look(time.time(), self._server)
        await self._see_to(held)
        if due:
            await self._begin(self._queues(due))
        if self._presence is not None:
            await self._watch(self._presence)
        await self._count()
        await self._forget()
        await self._engine.rest(busy=bool(self._runner.leases))

    async def _see_to(self, held: list[Task]) -> None:
        """Cancel what somebody asked to, perhaps at another server; and let go of what does not run.

        That is what this server ran before it was started, and what ended for a reason that nobody foresaw.
        """
        lost = [task for task in held if task.lease not in self._runner.leases]
        if lost:
            await self._store.release(lost)
            self.poke()
        for task in held:
            if task.cancelling:
                self._runner.cancel(task.lease)

    async def _begin(self, queues: Mapping[str, Queue]) -> None:
        engine = await self._opened_engine()
        if engine is None:
            return
        tasks = await self._store.take(time.time(), self._server, queues)
        crash_point("tasks.recorded")
        self._runner.expect(tasks)
        try:
            spent = await engine.go_on([task.execution for task in tasks]) if tasks else set()
        except Exception:
            self._runner.expect_no_more(tasks)
            raise
        crash_point("tasks.enqueued")
        for task in tasks:
            if task.execution in spent:
                self._runner.expect_no_more([task])
                await self._store.change(task, rules.anew(task))

    async def _opened_engine(self) -> Engine | None:
        try:
            return await self._engine.opened()
        except Exception as error:
            log.warning("task_engine_not_started", error=f"{type(error).__name__}: {error}".splitlines()[0])
            return None

    async def _watch(self, presence: Presence) -> None:
        await presence.beat()
        for server in await presence.gone():
            log.warning("server_is_gone_and_its_tasks_are_taken_over", server=server)
            _, held = await self._store.look(0.0, server)
            await self._store.release(held)
            await presence.forget(server)
            self.poke()

    async def _count(self) -> None:
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + COUNT_SECONDS
            self.counts = await self._store.counts()

    async def _forget(self) -> None:
        now = time.monotonic()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_SECONDS
            await self._store.forget(time.time() - self._settings.keep_days * DAY)
        engine = self._engine.if_open
        if engine is not None and now >= self._drop_at:
            self._drop_at = now + DROP_SECONDS
            await engine.forget()
            await self._drop(engine)

    async def _drop(self, engine: Engine) -> None:
        """Delete the engine's records of turns that are over by our table: cancelled while they paused."""
        found = await engine.unfinished(time.time() - DROP_SECONDS)
        present = await self._store.present(execution.rpartition(".")[0] for execution in found)
        void = [execution for execution in found if execution not in present]
        if void:
            await engine.drop(void)
