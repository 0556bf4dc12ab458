"""Answers to questions about usage, in the dialect's shape."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from starlette.datastructures import QueryParams

from oxbow.kernel.metering import Condition, Figures, Question, UsageReader
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.usage.meters import Statistic
from oxbow.rooms.live.usage.queries import StatdQuery, read_query

MAX_FIGURES = 100_000
"""Numbers in one answer."""

Rows = list[dict[str, Any]]


class Statd:
    """:param clock: Unix seconds."""

    def __init__(self, reader: UsageReader, clock: Callable[[], float] = time.time) -> None:
        self._reader = reader
        self._clock = clock

    async def ask(
        self, statistic: Statistic, account: int, query: QueryParams, hubs: Collection[str] | None = None
    ) -> Rows:
        """A row for each bucket of the period, used or not; BadArgument.

        :param hubs: the only ones that count; None for all.
        """
        calendar = self._reader.calendar_of(account)
        wanted = read_query(statistic, query, calendar, self._clock())
        self._check_kept(wanted, account)
        found = {
            select: await self._reader.ask(_question(account, statistic.selects[select], wanted, hubs))
            for select in wanted.selects
        }
        starts = next(iter(found.values())).starts
        moments = [calendar.moment(start).isoformat() for start in starts]
        values = _plain(found) if wanted.group is None else _grouped(found, len(starts))
        return [{"time": moment, "values": figures} for moment, figures in zip(moments, values, strict=True)]

    def _check_kept(self, wanted: StatdQuery, account: int) -> None:
        since = self._reader.kept_since(wanted.step, account)
        if wanted.begin < since:
            day = self._reader.calendar_of(account).moment(int(since)).strftime("%Y%m%d")
            raise BadArgument("begin", f"with g={wanted.step} it must be {day} or later, or g be longer")


def _question(account: int, meter: str, wanted: StatdQuery, hubs: Collection[str] | None) -> Question:
    conditions = wanted.conditions
    if hubs is not None:
        conditions += (Condition("hub", frozenset(hubs), frozenset()),)
    return Question(account, meter, wanted.begin, wanted.end, wanted.step, conditions, wanted.group)


def _plain(found: dict[str, Figures]) -> list[dict[str, Any]]:
    """`{"flow": 1}` for each bucket."""
    columns = [[sums.get("", 0) for sums in figures.sums] for figures in found.values()]
    return [dict(zip(found, numbers, strict=True)) for numbers in zip(*columns, strict=True)]


def _grouped(found: dict[str, Figures], rows: int) -> list[dict[str, Any]]:
    """`{"cn": {"flow": 1}}` for each bucket; every group that occurs in the period is in each of them."""
    groups = sorted({group for figures in found.values() for sums in figures.sums for group in sums})
    if rows * len(groups) * len(found) > MAX_FIGURES:
        raise BadArgument(
            "group",
            f"the answer would have {rows * len(groups) * len(found)} figures, and may have {MAX_FIGURES}: "
            "ask for a shorter period, a longer g or fewer groups",
        )
    columns = [_column(name, figures, groups) for name, figures in found.items()]
    return [dict(zip(groups, _merged(row), strict=True)) for row in zip(*columns, strict=True)]


def _column(select: str, figures: Figures, groups: list[str]) -> list[list[dict[str, int]]]:
    """`{"flow": 1}` for each group of each bucket."""
    return [[{select: sums.get(group, 0)} for group in groups] for sums in figures.sums]


def _merged(of_a_bucket: tuple[list[dict[str, int]], ...]) -> list[dict[str, int]]:
    """What was selected of each group, in one object."""
    first, *others = of_a_bucket
    for other in others:
        for into, more in zip(first, other, strict=True):
            into |= more
    return first
