"""Refusals on their way from a media worker to control: bounded however many come."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from oxbow.kernel.refusals.models import Refusal

SAMPLES = 3
"""Refusals that are alike and get records of their own between two collections; the others are counted."""
KINDS = 300
"""Different refusals between two collections; of those beyond, only the rule and reason are kept apart."""

Likeness = tuple[str, ...]


class RefusalBuffer:
    """Collects between two calls of `take`. A refusal that is only counted costs a look-up."""

    def __init__(self, samples: int = SAMPLES, kinds: int = KINDS) -> None:
        self._samples = samples
        self._kinds = kinds
        self._kept: dict[Likeness, list[Refusal]] = {}
        self._counted: dict[Likeness, tuple[int, float]] = {}
        """How many more there were, and when the last one came."""

    def add(self, likeness: Likeness, at: float, make: Callable[[], Refusal]) -> None:
        """Take one in; `make` is called only if it gets a record of its own."""
        kept = self._kept.get(likeness)
        if kept is None:
            if len(self._kept) >= self._kinds:
                self._overflow(make())
                return
            kept = self._kept[likeness] = []
        if len(kept) < self._samples:
            kept.append(make())
        else:
            self._count(likeness, at)

    def take(self) -> list[Refusal]:
        """What was collected, and begin anew; the last of its kind carries the number of the others."""
        kept, self._kept = self._kept, {}
        counted, self._counted = self._counted, {}
        for likeness, (more, until) in counted.items():
            kept[likeness][-1] = replace(kept[likeness][-1], more=more, until=until)
        return [refusal for alike in kept.values() for refusal in alike]

    def _overflow(self, refusal: Refusal) -> None:
        """A flood of different ones: one record for all that fail for the same reason."""
        likeness = ("", refusal.what, refusal.rule, refusal.reason)
        if likeness in self._kept:
            self._count(likeness, refusal.at)
        else:
            self._kept[likeness] = [replace(refusal, hub="", stream="", address="", access_key="")]

    def _count(self, likeness: Likeness, at: float) -> None:
        self._counted[likeness] = (self._counted.get(likeness, (0, 0.0))[0] + 1, at)
