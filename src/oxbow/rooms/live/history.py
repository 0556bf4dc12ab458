"""The record of broadcasts, written behind the media's back.

Whoever reports a start, a sign of life or an end never waits for the database. Reports about one broadcast
are folded into one pending entry, so that what waits is bounded by the number of broadcasts and not by the
time the database is away; entries are written in the order in which their broadcasts were first reported.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from oxbow.kernel.logs import get_logger
from oxbow.rooms.live.models import Activity

MAX_PENDING = 20_000
RETRY_SECONDS = 1.0

log = get_logger(__name__)


@dataclass(frozen=True)
class HistoryEntry:
    """What is to be written about one broadcast."""

    id: str
    started: Activity | None = None
    """The whole record, when its start has not been written yet."""
    seen_at: int | None = None
    ended_at: int | None = None


class HistoryStore(Protocol):
    async def write_history(self, entries: Sequence[HistoryEntry]) -> None:
        """Write all of them or none. Writing an entry twice is writing it once."""


class HistoryWriter:
    """Takes reports at once and writes them in the background, retrying for as long as it takes."""

    def __init__(
        self, store: HistoryStore, *, max_pending: int = MAX_PENDING, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._store = store
        self._max_pending = max_pending
        self._retry_seconds = retry_seconds
        self._pending: dict[str, HistoryEntry] = {}
        self._in_flight: dict[str, HistoryEntry] = {}
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self.lost = 0
        """Entries thrown away because too many were waiting."""

    @property
    def pending(self) -> int:
        """How many broadcasts wait to be written, or are being written."""
        return len(self._pending.keys() | self._in_flight.keys())

    def started(self, activity: Activity) -> None:
        self._fold(HistoryEntry(activity.id, started=activity))

    def seen(self, ids: Iterable[str], at: int) -> None:
        for id_ in ids:
            self._fold(HistoryEntry(id_, seen_at=at))

    def ended(self, id_: str, at: int) -> None:
        self._fold(HistoryEntry(id_, seen_at=at, ended_at=at))

    def open(self) -> None:
        """Begin to write in the background."""
        self._task = asyncio.create_task(self._run(), name="live history")

    async def close(self) -> None:
        """Stop, after one last attempt to write what waits."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.flush()

    async def flush(self) -> bool:
        """Write everything that waits now; False, with all of it still waiting, if that was not possible."""
        async with self._writing:
            batch = self._in_flight = self._pending
            self._pending = {}
            if not batch:
                return True
            try:
                await self._store.write_history(list(batch.values()))
            except BaseException as error:
                self._put_back(batch)
                if not isinstance(error, Exception):
                    raise
                self._tell_failure(error)
                return False
            finally:
                self._in_flight = {}
            self._tell_success()
            return True

    def _tell_failure(self, error: Exception) -> None:
        if not self._failing:
            log.warning("history_waits_in_memory", error=f"{type(error).__name__}: {error}")
        self._failing = True

    def _tell_success(self) -> None:
        if self._failing:
            log.info("history_written_again", lost=self.lost)
        self._failing = False

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self.flush():
                await asyncio.sleep(self._retry_seconds)
                self._wake.set()

    def _fold(self, entry: HistoryEntry) -> None:
        known = self._pending.get(entry.id)
        self._pending[entry.id] = _merged(known, entry) if known else entry
        self._trim()
        self._wake.set()

    def _put_back(self, batch: dict[str, HistoryEntry]) -> None:
        """Under what has been reported since, and before it in order."""
        for id_, newer in self._pending.items():
            batch[id_] = _merged(batch[id_], newer) if id_ in batch else newer
        self._pending = batch
        self._trim()

    def _trim(self) -> None:
        while len(self._pending) > self._max_pending:
            del self._pending[next(iter(self._pending))]
            self.lost += 1


def _merged(older: HistoryEntry, newer: HistoryEntry) -> HistoryEntry:
    if newer.started is not None:  # A worker that outlived control reports what it carries anew: it is on.
        return newer
    seen_at = older.seen_at if newer.seen_at is None else newer.seen_at
    return replace(older, seen_at=seen_at, ended_at=newer.ended_at or older.ended_at)
