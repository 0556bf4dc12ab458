"""Reading a question in the dialect: `$area=!cn&begin=20260301&end=20260401&g=day&group=area&select=flow`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import QueryParams

from oxbow.kernel.metering import Calendar, Condition, Step
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.usage.meters import Statistic

MAX_DAYS = {Step.FIVE_MINUTES: 31, Step.HOUR: 93, Step.DAY: 732, Step.MONTH: 3660}
"""How long a period may be for each `g`."""
MAX_VALUES = 100
"""Values of one condition."""
DAY = 86_400
_TIME = re.compile(r"2\d{7}(\d{6})?", re.ASCII)
_PLAIN = ("begin", "end", "g", "group", "select")
_TIME_RULE = "must be a time from 2000 on, as 20060102 or 20060102150405"


@dataclass(frozen=True)
class StatdQuery:
    """A question that can be answered."""

    begin: float
    end: float
    """Not in the future."""
    step: Step
    group: str | None
    selects: tuple[str, ...]
    conditions: tuple[Condition, ...]


def read_query(statistic: Statistic, query: QueryParams, calendar: Calendar, now: float) -> StatdQuery:
    """BadArgument names the parameter that is wrong."""
    _check_names(statistic, query)
    step = _step(query)
    begin, end = _period(query, calendar, now, step)
    return StatdQuery(
        begin, end, step, _group(statistic, query), _selects(statistic, query), _conditions(statistic, query)
    )


def _check_names(statistic: Statistic, query: QueryParams) -> None:
    known = [*_PLAIN, *(f"${name}" for name in statistic.conditions)]
    for name in query:
        if name not in known:
            raise BadArgument(name[:40], f"is not known here; known are {', '.join(known)}")


def _one(query: QueryParams, name: str) -> str:
    values = query.getlist(name)
    if len(values) > 1:
        raise BadArgument(name, "must be given once")
    return values[0] if values else ""


def _step(query: QueryParams) -> Step:
    try:
        return Step(_one(query, "g"))
    except ValueError:
        raise BadArgument("g", f"must be one of {', '.join(Step)}") from None


def _period(query: QueryParams, calendar: Calendar, now: float, step: Step) -> tuple[float, float]:
    begin, end = _time(query, "begin", calendar), _time(query, "end", calendar)
    if begin is None:
        raise BadArgument("begin", _TIME_RULE)
    if end is not None and end <= begin:
        raise BadArgument("end", "must be after begin; it does not belong to the period")
    end = now if end is None else min(end, now)
    if end - begin > MAX_DAYS[step] * DAY:
        raise BadArgument("begin", f"with g={step} the period may have at most {MAX_DAYS[step]} days")
    return begin, end


def _time(query: QueryParams, name: str, calendar: Calendar) -> float | None:
    text = _one(query, name)
    if not text:
        return None
    if not _TIME.fullmatch(text):
        raise BadArgument(name, _TIME_RULE)
    try:
        local = datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        raise BadArgument(name, _TIME_RULE) from None
    return local.replace(tzinfo=calendar.zone).timestamp()


def _group(statistic: Statistic, query: QueryParams) -> str | None:
    group = _one(query, "group").removeprefix("$")
    if group and group not in statistic.conditions:
        raise BadArgument("group", f"must be one of {', '.join(statistic.conditions)}, or missing")
    return group or None


def _selects(statistic: Statistic, query: QueryParams) -> tuple[str, ...]:
    selects = tuple(dict.fromkeys(filter(None, query.getlist("select"))))
    if not selects or not set(selects) <= statistic.selects.keys():
        known = ", ".join(statistic.selects)
        raise BadArgument("select", f"must be {known}" if len(statistic.selects) == 1 else f"takes {known}")
    return selects


def _conditions(statistic: Statistic, query: QueryParams) -> tuple[Condition, ...]:
    conditions = []
    for name in statistic.conditions:
        values = [value for value in query.getlist(f"${name}") if value]
        if values:
            conditions.append(_condition(name, values, statistic.choices))
    return tuple(conditions)


def _condition(name: str, values: Sequence[str], choices: Mapping[str, tuple[str, ...]]) -> Condition:
    if len(values) > MAX_VALUES:
        raise BadArgument(f"${name}", f"may be given at most {MAX_VALUES} times")
    only: set[str] = set()
    never: set[str] = set()
    allowed = choices.get(name)
    for value in values:
        bare = value.removeprefix("!").lower() if name == "domain" else value.removeprefix("!")
        if not bare or (allowed and bare not in allowed):
            takes = f"one of {', '.join(allowed)}" if allowed else "a value"
            raise BadArgument(f"${name}", f"must be {takes}, with ! before it to leave it out")
        (never if value.startswith("!") else only).add(bare)
    return Condition(name, frozenset(only), frozenset(never))
