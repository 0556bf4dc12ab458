"""A year of made-up usage: whatever is asked, the answer is what a plain sum over everything used says."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.datastructures import QueryParams

from oxbow.kernel.database import Database
from oxbow.kernel.metering import MeteringService, MeteringSettings, Usage
from oxbow.rooms.live.usage.meters import METERS, STATISTICS
from oxbow.rooms.live.usage.statd import Statd

YEAR = 2025
FACTS = 1000
FIVE = 300
KEPT = MeteringSettings(five_minute_days=800, hour_days=800)
DOWNFLOW = next(statistic for statistic in STATISTICS if statistic.name == "downflow")
METER = "live.downflow"
VALUES = {
    "hub": ("one", "two", "three"),
    "domain": ("a.example.com", "b.example.com", "c.example.com", ""),
    "area": ("cn", "hk", "tw", "am", ""),
}
STEPS = ("5min", "hour", "day", "month")
GROUPS = ("", "hub", "domain", "area")
CONDITIONS = (
    "",
    "$hub=one",
    "$hub=one&$hub=three",
    "$area=!cn",
    "$area=!cn&$area=!hk",
    "$domain=a.example.com&$domain=b.example.com&$domain=!b.example.com",
    "$hub=!two&$area=cn&$area=am&$domain=!c.example.com",
    "$hub=nobody",
)
LONGEST_DAYS = {"5min": 2, "hour": 30, "day": 365, "month": 365}
"""Up to which the periods go that are asked for here."""

Row = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Fact:
    """So much went out at a moment."""

    at: int
    quantity: int
    dimensions: dict[str, str]


def midnight(zone: ZoneInfo, month: int = 1, day: int = 1, year: int = YEAR) -> int:
    return int(datetime(year, month, day, tzinfo=zone).timestamp())


def made_up(zone: ZoneInfo, chance: Random) -> Iterator[Fact]:
    """All over the year, many at its edges: around the first of each month, and when clocks are changed."""
    begin, end = midnight(zone), midnight(zone, year=YEAR + 1)
    edges = [midnight(zone, month) for month in range(1, 13)] + [end - 1, *clock_changes(begin, end, zone)]
    for number in range(FACTS):
        at = chance.randrange(begin, end)
        if number % 4 == 0:
            at = chance.choice(edges) + chance.choice((-1, 0, 1, -FIVE, FIVE, 3599, chance.randrange(10_000)))
        if begin <= at < end:
            dimensions = {name: chance.choice(values) for name, values in VALUES.items()}
            yield Fact(at, chance.randrange(1, 10**12), dimensions)


def clock_changes(begin: int, end: int, zone: ZoneInfo) -> list[int]:
    offsets = [(at, datetime.fromtimestamp(at, zone).utcoffset()) for at in range(begin, end, 1800)]
    return [at for (_, before), (at, after) in itertools.pairwise(offsets) if before != after]


async def count(metering: MeteringService, facts: Iterable[Fact], chance: Random) -> None:
    """Most of it flows; some has an id and is told twice."""
    for number, fact in enumerate(facts):
        if number % 50 == 0:
            for _ in range(2):
                usage = Usage(METER, 1, fact.at, fact.quantity, fact.dimensions)
                await metering.record(f"test-{number}", [usage])
        else:
            metering.add(METER, 1, fact.at, fact.quantity, fact.dimensions)
        if chance.random() < 0.002:
            await metering.flush()
    await metering.flush()


def begins(step: str, local: datetime, before: datetime) -> bool:
    """Whether a row begins where the clock on the wall shows `local` and five minutes ago showed `before`."""
    if step == "hour":
        return local.hour != before.hour or local.minute == 0
    return step == "5min" or getattr(local, step) != getattr(before, step)


def starts(step: str, wall: dict[int, datetime]) -> list[int]:
    """When each row begins: who walks through the year sees it."""
    before = itertools.chain([datetime(1, 12, 31, 23, tzinfo=UTC)], wall.values())
    return [at for (at, local), last in zip(wall.items(), before, strict=False) if begins(step, local, last)]


def holds(value: str, wanted: list[str]) -> bool:
    only = [one for one in wanted if not one.startswith("!")]
    return (not only or value in only) and f"!{value}" not in wanted


class PlainSum:
    """Looks at each fact for each question."""

    def __init__(self, facts: list[Fact], zone: ZoneInfo) -> None:
        self._facts = facts
        self._zone = zone
        moments = range(midnight(zone), midnight(zone, year=YEAR + 1), FIVE)
        self._wall = {at: datetime.fromtimestamp(at, zone) for at in moments}
        self._starts = {step: starts(step, self._wall) for step in STEPS}

    def rows(self, query: QueryParams) -> list[Row]:
        begin, end = (self._moment(query[name]) for name in ("begin", "end"))
        starts, group = self._starts[query["g"]], query["group"]
        counted = [fact for fact in self._facts if begin <= fact.at < end and self._counts(fact, query)]
        sums = Counter[tuple[int, str]]()
        for fact in counted:
            start = starts[bisect_right(starts, fact.at) - 1]
            sums[start, fact.dimensions.get(group, "")] += fact.quantity
        groups = {fact.dimensions[group] for fact in counted} if group else set()
        return [
            (
                self._wall[row].isoformat(),
                {name: {"flow": sums[row, name]} for name in groups} if group else {"flow": sums[row, ""]},
            )
            for row in starts[bisect_right(starts, begin) - 1 : bisect_left(starts, end)]
        ]

    def _counts(self, fact: Fact, query: QueryParams) -> bool:
        return all(holds(value, query.getlist(f"${name}")) for name, value in fact.dimensions.items())

    def _moment(self, text: str) -> int:
        local = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=self._zone)
        return int(local.timestamp())


def questions(chance: Random) -> Iterator[str]:
    """Every step with every group under every condition, each for another period; some by whole years."""
    for step, group, conditions in itertools.product(STEPS, GROUPS, CONDITIONS):
        first = datetime(YEAR, 1, 1) + timedelta(minutes=5 * chance.randrange(300 * 288))
        days = min(LONGEST_DAYS[step], (datetime(YEAR + 1, 1, 1) - first).days)
        last = first + timedelta(minutes=5 * chance.randrange(1, days * 288))
        yield f"begin={first:%Y%m%d%H%M%S}&end={last:%Y%m%d%H%M%S}&g={step}&group={group}&{conditions}"
    for step, group in itertools.product(("day", "month"), GROUPS):
        yield f"begin={YEAR}0101000000&end={YEAR + 1}0101000000&g={step}&group={group}"
    for step in ("5min", "hour"):  # All of the days on which Berlin's clocks are changed.
        yield f"begin={YEAR}0330000000&end={YEAR}0331000000&g={step}&group="
        yield f"begin={YEAR}1026000000&end={YEAR}1027000000&g={step}&group="


async def check(database: Database, name: str) -> None:
    zone, chance = ZoneInfo(name), Random(name)
    now = midnight(zone, 3, year=YEAR + 1)
    metering = MeteringService(database, zone, KEPT, clock=lambda: now)
    metering.register(METERS)
    facts = list(made_up(zone, chance))
    await count(metering, facts, chance)
    statd, plain = Statd(metering.reader, lambda: now), PlainSum(facts, zone)
    for question in questions(chance):
        query = QueryParams(f"{question}&select=flow")
        found = [(row["time"], row["values"]) for row in await statd.ask(DOWNFLOW, 1, query)]
        assert found == plain.rows(query), f"of {question}"


async def test_every_answer_is_the_plain_sum_on_each_database(database: Database) -> None:
    await check(database, "Europe/Berlin")


@pytest.mark.parametrize("name", ["Asia/Shanghai", "Australia/Lord_Howe"])
async def test_every_answer_is_the_plain_sum_in_other_zones(sqlite_database: Database, name: str) -> None:
    """Shanghai's clocks never change; those of Lord Howe Island do by half an hour, Berlin's by an hour."""
    await check(sqlite_database, name)
