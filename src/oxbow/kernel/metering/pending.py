"""Usage that is not written yet: added up in memory, and coarser the longer the database stays away."""

from __future__ import annotations

from collections.abc import Callable

from oxbow.kernel.logs import get_logger
from oxbow.kernel.metering.calendar import Calendar, Step
from oxbow.kernel.metering.models import Entries, Series

MAX_ENTRIES = 50_000
"""Sums kept by five minutes; beyond that those of an hour become one, then those of a day."""

log = get_logger(__name__)


class PendingUsage:
    """Sums by series and time. Nothing is thrown away: what grows too large loses detail, not amounts."""

    def __init__(self, calendar_of: Callable[[int], Calendar], max_entries: int = MAX_ENTRIES) -> None:
        self._calendar_of = calendar_of
        self._max_entries = max_entries
        self._limit = max_entries
        self._entries: Entries = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, series: Series, bucket: int, quantity: int) -> None:
        """Count what was used in the five minutes that begin at `bucket`."""
        key = (series, bucket)
        known = self._entries.get(key)
        if known is None and len(self._entries) >= self._limit:
            self._coarsen()
            known = self._entries.get(key)
        self._entries[key] = quantity if known is None else known + quantity

    def take(self, most: int) -> Entries:
        """Remove the oldest entries and hand them over."""
        keys = list(self._entries)[:most] if len(self._entries) > most else list(self._entries)
        taken = {key: self._entries.pop(key) for key in keys}
        if not self._entries:
            self._limit = self._max_entries
        return taken

    def _coarsen(self) -> None:
        """Keep the sums of whole hours, or else days, in the first five minutes of each."""
        before = len(self._entries)
        for step in (Step.HOUR, Step.DAY):
            self._merge(step)
            if len(self._entries) <= self._max_entries // 2:
                break
        # As many series as the configuration makes stay, however many those are; looking again at each new
        # one would only cost time.
        self._limit = max(self._max_entries, 2 * len(self._entries))
        log.warning(
            "usage_merged_in_memory", entries_before=before, entries=len(self._entries), by=step.value
        )

    def _merge(self, step: Step) -> None:
        merged: Entries = {}
        for (series, bucket), quantity in self._entries.items():
            key = (series, self._calendar_of(series[0]).start(step, bucket))
            merged[key] = merged.get(key, 0) + quantity
        self._entries = merged
