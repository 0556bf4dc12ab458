"""Counting: figures are added up in memory and written every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from zoneinfo import ZoneInfo

from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.kernel.metering.calendar import DAY_SECONDS, FIVE_MINUTES, Calendar, Step
from oxbow.kernel.metering.models import Event, Meter, Series, Usage
from oxbow.kernel.metering.pending import PendingUsage
from oxbow.kernel.metering.reader import UsageReader
from oxbow.kernel.metering.store import UsageStore
from oxbow.kernel.settings.metering import MeteringSettings

EVENT_ENTRIES = 2000
"""What is written in one transaction, so that one takes well under a second on either backend."""
PRUNE_EVERY_SECONDS = 3600.0

log = get_logger(__name__)


class MeteringService:
    """Counts in one process; any number of servers may write to one database.

    What `add` was told is lost if the process dies before the next flush, and otherwise counts exactly once:
    what is being written keeps the id of its event until the outcome is known, however many tries that takes.

    :param zone: the time zone of the accounts' hours, days and months.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        database: Database,
        zone: ZoneInfo,
        settings: MeteringSettings | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings or MeteringSettings()
        self._clock = clock
        self._calendar = Calendar(zone)
        self.meters: dict[str, Meter] = {}
        self.store = UsageStore(database, self.meters, self.calendar_of)
        self.reader = UsageReader(self.store, self.calendar_of, self._settings, clock)
        self._pending = PendingUsage(self.calendar_of)
        self._in_flight: Event | None = None
        self._writing = asyncio.Lock()
        self._event_ids = (f"{uuid.uuid4().hex}-{number}" for number in itertools.count())
        self._tasks: list[asyncio.Task[None]] = []
        self._failing = False
        self.flushed = 0
        """Sums written since the start."""
        self.failures = 0
        """Attempts to write that failed since the start; what they wanted to write is tried again."""

    def calendar_of(self, account: int) -> Calendar:
        """The calendar of an account; for now that of the server's time zone for all."""
        return self._calendar

    @property
    def pending(self) -> int:
        """How many sums wait to be written, or are being written."""
        return len(self._pending) + (len(self._in_flight.entries) if self._in_flight else 0)

    def register(self, meters: Iterable[Meter]) -> None:
        """Make meters known; a name stands for one meter."""
        for meter in meters:
            if meter.name in self.meters:
                raise ValueError(f"the meter {meter.name} is declared twice")
            self.meters[meter.name] = meter

    def add(self, meter: str, account: int, at: float, quantity: int, dimensions: Mapping[str, str]) -> None:
        """Count what flows; written with the next flush. KeyError for a meter that nobody declared."""
        series = (account, meter, self.meters[meter].values(dimensions))
        if quantity > 0:
            self._pending.add(series, _five_minutes(at), quantity)

    async def record(self, event: str, usages: Iterable[Usage]) -> bool:
        """Write at once what happened once; False if this event was recorded before.

        DatabaseUnavailableError if it is not known whether it was written: tell the same event again.

        :param event: an id of at most 128 characters, the room's name first so that none are taken twice.
        """
        entries: dict[tuple[Series, int], int] = {}
        for usage in usages:
            series = (usage.account, usage.meter, self.meters[usage.meter].values(usage.dimensions))
            key = (series, _five_minutes(usage.at))
            entries[key] = entries.get(key, 0) + usage.quantity
        return await self.store.write(Event(event, entries), int(self._clock()))

    async def open(self) -> None:
        """Begin to write and to forget; the database is migrated."""
        self._tasks = [
            asyncio.create_task(self._flush_again_and_again(), name="metering"),
            asyncio.create_task(self._prune_again_and_again(), name="metering prune"),
        ]

    async def close(self) -> None:
        """Stop, after one last attempt to write what waits."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await self.flush()

    async def flush(self) -> bool:
        """Write everything that waits now; False, with the rest still waiting, if that was not possible."""
        async with self._writing:
            while event := self._next_event():
                try:
                    await self.store.write(event, int(self._clock()))
                except Exception as error:
                    self._tell_failure(error)
                    return False
                self._in_flight = None
                self.flushed += len(event.entries)
            self._tell_success()
            return True

    def _next_event(self) -> Event | None:
        """What could not be written, or may have been: the same once more. Otherwise what waits."""
        if self._in_flight is None and len(self._pending):
            self._in_flight = Event(next(self._event_ids), self._pending.take(EVENT_ENTRIES))
        return self._in_flight

    async def prune(self) -> None:
        """Forget the details that are older than the settings keep them."""
        now, settings = int(self._clock()), self._settings
        for step, days in ((Step.FIVE_MINUTES, settings.five_minute_days), (Step.HOUR, settings.hour_days)):
            # A day longer than the reader goes back, which goes by whole days of each account.
            await self.store.prune(step, now - (days + 1) * DAY_SECONDS)
        await self.store.prune_records(now - settings.record_days * DAY_SECONDS)

    async def _flush_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._settings.flush_seconds)
            await self.flush()

    async def _prune_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_SECONDS)
            try:
                await self.prune()
            except DatabaseUnavailableError:
                continue
            except Exception:
                log.exception("usage_not_pruned")

    def _tell_failure(self, error: Exception) -> None:
        self.failures += 1
        if not self._failing:
            log.warning("usage_waits_in_memory", error=f"{type(error).__name__}: {error}")
        self._failing = True

    def _tell_success(self) -> None:
        if self._failing:
            log.info("usage_written_again")
        self._failing = False


def _five_minutes(at: float) -> int:
    return int(at // FIVE_MINUTES) * FIVE_MINUTES
