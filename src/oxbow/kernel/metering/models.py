"""What is counted, what was used, and what can be asked about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from oxbow.kernel.metering.calendar import Step

Series = tuple[int, str, tuple[str, ...]]
"""What is summed up together: an account, a meter, and a value for each of the meter's dimensions."""
Entries = dict[tuple[Series, int], int]
"""Quantities by series and by the five minutes they were used in."""


@dataclass(frozen=True)
class Meter:
    """Something whose use is counted, as a room declares it."""

    name: str
    """`<room>.<what>`, at most 64 characters."""
    unit: str
    """byte, second, ..."""
    dimensions: tuple[str, ...]
    """What the sum can be narrowed to and divided by; their values must come from a bounded set."""
    description: str

    def values(self, dimensions: Mapping[str, str]) -> tuple[str, ...]:
        """A value for each dimension, empty for those that are not told."""
        return tuple([dimensions.get(name, "") for name in self.dimensions])


@dataclass(frozen=True)
class Usage:
    """So much of something was used at a moment (Unix seconds)."""

    meter: str
    account: int
    at: float
    quantity: int
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Event:
    """What is written at once, and counts once however often it is told: its id says that it is the same."""

    id: str
    entries: Entries


@dataclass(frozen=True)
class Condition:
    """Which values of a dimension count: those in `only` (all, if there are none), but none in `never`."""

    dimension: str
    only: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    def holds(self, value: str) -> bool:
        return (not self.only or value in self.only) and value not in self.never


@dataclass(frozen=True)
class Question:
    """How much an account used of a meter from `begin` to `end` (Unix seconds, half-open)."""

    account: int
    meter: str
    begin: float
    end: float
    step: Step
    conditions: tuple[Condition, ...] = field(default=())
    group: str | None = None
    """The dimension to divide the sums by."""
