"""Five minutes, hours, days and months as an account's clock on the wall shows them.

A bucket is named by the moment it begins, in Unix seconds. Clocks differ from UTC by multiples of 15 minutes,
so that each five minutes lie in one hour, one day and one month, whichever the zone.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

FIVE_MINUTES = 300
HOUR_SECONDS = 3600
DAY_SECONDS = 86_400


class Step(StrEnum):
    """How long a bucket is; the values are those of the dialect's `g`."""

    FIVE_MINUTES = "5min"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


STEPS = tuple(Step)
"""The finest first."""

Piece = tuple[Step, int, int]
"""Whole buckets: how long they are, where the first begins, and where the one behind the last does."""

_INTO_THE_NEXT = {Step.DAY: 36 * HOUR_SECONDS, Step.MONTH: 45 * DAY_SECONDS}
"""From the start of a bucket, this leads into the next one, however long days and months are."""
_HOURS_AHEAD = (3600, 5400, 7200)
"""An hour on the wall has 90 minutes where clocks are put back by half an hour."""


class Calendar:
    """The calendar of one time zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def start(self, step: Step, at: float) -> int:
        """When the bucket began that `at` lies in."""
        five = int(at // FIVE_MINUTES) * FIVE_MINUTES
        return five if step is Step.FIVE_MINUTES else _start(step, five, self.zone)

    def after(self, step: Step, start: int) -> int:
        """When the bucket begins that follows the one that began at `start`."""
        if step is Step.FIVE_MINUTES:
            return start + FIVE_MINUTES
        if step is Step.HOUR:
            candidates = (self.start(step, start + ahead) for ahead in _HOURS_AHEAD)
            return next(candidate for candidate in candidates if candidate > start)
        return self.start(step, start + _INTO_THE_NEXT[step])

    def starts(self, step: Step, begin: float, end: float) -> list[int]:
        """Every bucket that has a part in the half-open period from `begin` to `end`."""
        found: list[int] = []
        start = self.start(step, begin)
        while begin < end and start < end:
            found.append(start)
            start = self.after(step, start)
        return found

    def pieces(self, step: Step, begin: int, end: int) -> list[Piece]:
        """Cut a period into whole buckets: those of `step` in the middle, finer ones at its ragged ends.

        `begin` and `end` are multiples of five minutes.
        """
        if begin >= end:
            return []
        if step is Step.FIVE_MINUTES:
            return [(step, begin, end)]
        first, last = self.at_or_after(step, begin), self.start(step, end)
        finer = STEPS[STEPS.index(step) - 1]
        if first >= last:
            return self.pieces(finer, begin, end)
        return [*self.pieces(finer, begin, first), (step, first, last), *self.pieces(finer, last, end)]

    def at_or_after(self, step: Step, at: float) -> int:
        """The first bucket that begins at a moment or behind it."""
        start = self.start(step, at)
        return start if start >= at else self.after(step, start)

    def moment(self, at: int) -> datetime:
        """A moment with the offset that the zone has then."""
        return datetime.fromtimestamp(at, self.zone)


@lru_cache(maxsize=8192)
def _start(step: Step, at: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(at, zone).replace(minute=0, second=0)
    if step is Step.HOUR:  # `fold` stays: two o'clock comes twice when clocks are put back, and is two hours.
        return int(local.timestamp())
    day = local.replace(hour=0, fold=0)
    return int((day if step is Step.DAY else day.replace(day=1)).timestamp())
