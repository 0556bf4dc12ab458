"""Taking refusals in at once, writing them in the background, and answering who asks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Gauge

from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.kernel.refusals.ledger import Ledger
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.refusals.store import RefusalQuery, RefusalStore
from oxbow.kernel.settings import KernelSettings

WRITE_SECONDS = 0.25
"""How long records wait for others to be written with."""
RETRY_SECONDS = 1.0
TIDY_SECONDS = 600.0
DAY = 86_400

log = get_logger(__name__)


class RefusalService:
    """Nobody who is refused ever waits for the database: what cannot be written waits in memory, bounded."""

    def __init__(
        self, database: Database, settings: KernelSettings, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = RefusalStore(database)
        self._settings = settings
        self._clock = clock
        self._ledger = Ledger()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._failing = False

    def open(self) -> None:
        """Begin to write."""
        self._tasks = [
            asyncio.create_task(self._write_on(), name="refusals"),
            asyncio.create_task(self._tidy(), name="refusals' end"),
        ]

    async def close(self) -> None:
        """Stop, after one last attempt to write what waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush()

    def add(self, refusals: Iterable[Refusal]) -> None:
        """Take in what a worker or the gateway tells."""
        self._ledger.add(refusals, self._clock())
        if self._ledger.waiting:
            self._wake.set()

    async def find(self, query: RefusalQuery) -> list[tuple[int, Refusal]]:
        """The newest first, each with the id that the next page begins behind; DatabaseUnavailableError."""
        await self.flush()
        return await self._store.find(query)

    async def flush(self) -> bool:
        """Write everything that waits; False, with all of it still waiting, if that was not possible."""
        async with self._writing:  # A count must not overtake the row that it belongs to.
            batch = self._ledger.take()
            try:
                if len(batch):
                    await self._store.write(batch)
            except BaseException as error:
                self._ledger.put_back(batch)
                if not isinstance(error, Exception):
                    raise
                self._tell_failure(error)
                return False
            self._failing = False
            return True

    def add_metrics(self, registry: CollectorRegistry) -> None:
        """What waits, and what was thrown away."""
        Gauge(
            "oxbow_refusals_waiting",
            "Records of refusals that wait to be written to the database.",
            registry=registry,
        ).set_function(lambda: self._ledger.waiting)
        Gauge(
            "oxbow_refusals_lost",
            "Records of refusals thrown away because too many were waiting.",
            registry=registry,
        ).set_function(lambda: self._ledger.lost)

    async def tidy(self) -> None:
        """Delete what is too old, or too much."""
        before = self._clock() - self._settings.refusal_days * DAY
        await self._store.forget(before, self._settings.refusal_rows)

    def _tell_failure(self, error: Exception) -> None:
        if not self._failing:
            log.warning("refusals_wait_in_memory", error=f"{type(error).__name__}: {error}")
        self._failing = True

    async def _write_on(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(WRITE_SECONDS)
            self._wake.clear()
            if not await self.flush():
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _tidy(self) -> None:
        while True:
            with contextlib.suppress(DatabaseUnavailableError):
                await self.tidy()
            await asyncio.sleep(TIDY_SECONDS)
