"""Answers to questions about usage."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import msgspec

from oxbow.kernel.metering.calendar import DAY_SECONDS, STEPS, Calendar, Piece, Step
from oxbow.kernel.metering.models import Question
from oxbow.kernel.metering.store import FEW_SERIES, UsageStore
from oxbow.kernel.settings.metering import MeteringSettings

_DECODE = msgspec.json.Decoder(list[int]).decode
"""Decimal numbers with commas between, in brackets: ten times as fast as `int` one by one."""


@dataclass(frozen=True)
class Figures:
    """The sums of each bucket that has a part in the period, in order."""

    starts: list[int]
    """When each bucket begins. Of the first and the last, the part counts that lies in the period."""
    sums: list[dict[str, int]]
    """By group; under "" if nothing was grouped. Groups without usage in a bucket are left out."""


class UsageReader:
    """:param calendar_of: an account's calendar.
    :param clock: Unix seconds."""

    def __init__(
        self,
        store: UsageStore,
        calendar_of: Callable[[int], Calendar],
        settings: MeteringSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._calendar_of = calendar_of
        self._settings = settings
        self._clock = clock

    def calendar_of(self, account: int) -> Calendar:
        """The calendar that the account's days and months are those of."""
        return self._calendar_of(account)

    def kept_since(self, step: Step, account: int) -> float:
        """The day since when buckets of this length are kept; 0 for always."""
        days = {Step.FIVE_MINUTES: self._settings.five_minute_days, Step.HOUR: self._settings.hour_days}
        if step not in days:
            return 0.0
        return self._calendar_of(account).start(Step.DAY, self._clock() - days[step] * DAY_SECONDS)

    async def ask(self, question: Question) -> Figures:
        """The sums of a period. Where details are gone, it is taken to the whole hours or days it lies in."""
        calendar = self._calendar_of(question.account)
        end = min(question.end, self._clock())
        starts = calendar.starts(question.step, question.begin, end)
        sums: list[dict[str, int]] = [{} for _ in starts]
        if starts:
            chosen = await self._choose(question)
            for piece in self._pieces(question, end):
                await self._add(question, chosen, piece, starts, sums)
        return Figures(starts, sums)

    async def _choose(self, question: Question) -> dict[int, str] | None:
        """The group of each series that counts; None where all count and nothing is grouped."""
        if not question.conditions and question.group is None:
            return None
        series = await self._store.series(question.account, question.meter)
        return {
            number: dimensions.get(question.group or "", "")
            for number, dimensions in series.items()
            if all(one.holds(dimensions.get(one.dimension, "")) for one in question.conditions)
        }

    def _pieces(self, question: Question, end: float) -> list[Piece]:
        calendar, step = self._calendar_of(question.account), question.step
        first = calendar.start(self._finest(question.begin, question.account), question.begin)
        if (
            end >= self._clock()
        ):  # Nothing is used in the future, so that the running bucket counts as a whole.
            return calendar.pieces(step, first, calendar.at_or_after(Step.MONTH, end + 1))
        return calendar.pieces(step, first, calendar.at_or_after(self._finest(end, question.account), end))

    def _finest(self, at: float, account: int) -> Step:
        return next(step for step in STEPS if at >= self.kept_since(step, account))

    async def _add(
        self,
        question: Question,
        chosen: dict[int, str] | None,
        piece: Piece,
        starts: list[int],
        sums: list[dict[str, int]],
    ) -> None:
        """Add what was used in a piece to the buckets it lies in."""
        account, meter = question.account, question.meter
        if question.group is None and (chosen is None or len(chosen) <= FEW_SERIES):
            for bucket, total in await self._store.totals(account, meter, piece, chosen):
                into = sums[_index(starts, bucket)]
                into[""] = into.get("", 0) + total
            return
        picked = chosen or {}
        rows = await self._store.quantities(account, meter, piece, picked)
        await asyncio.to_thread(_divide, rows, picked, starts, sums)


def _index(starts: list[int], bucket: int) -> int:
    """Which bucket of the answer a sum belongs to; it may begin before the period does."""
    return max(0, bisect_right(starts, bucket) - 1)


def _divide(
    rows: Collection[tuple[int, str, str]],
    groups: Mapping[int, str],
    starts: list[int],
    sums: list[dict[str, int]],
) -> None:
    """Add each sum of `rows`, as `UsageStore.quantities` tells them, to its group in its bucket."""
    known, order = "", list[str | None]()
    for bucket, numbers, quantities in rows:
        if numbers != known:  # From one bucket to the next they are mostly the same series.
            known, order = numbers, [groups.get(number) for number in _DECODE(f"[{numbers}]")]
        into = sums[_index(starts, bucket)]
        for group, quantity in zip(order, _DECODE(f"[{quantities}]"), strict=True):
            if group is not None:
                into[group] = into.get(group, 0) + quantity
