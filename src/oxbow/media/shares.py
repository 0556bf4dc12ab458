"""How many bytes each kind of a cohort's viewers has got, counted without looking at any of them.

Viewers in step all get the same bytes, so one sum for the whole step says what each of them got. A share
holds how many of its viewers are in step, and what has to be added to that sum times their number: less than
nothing for viewers that came in later. What a laggard's socket takes is added to its share directly.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Share:
    """The viewers of one kind in one cohort."""

    viewers: int = 0
    in_step: int = 0
    """So many of them."""
    sent: int = 0
    """Bytes that their sockets took beyond `in_step` times the step's sum; below zero for those who came into
    step late."""
    told: int = 0
    """Bytes that were taken note of."""


Tally = tuple[Hashable, int, int]
"""A kind, its viewers now, and the bytes that were sent to them since last asked."""


class Shares:
    """All shares of a cohort. The step's sum is what every viewer would have got that was in step always."""

    def __init__(self) -> None:
        self._sum = 0
        self._shares: dict[Hashable, Share] = {}
        self._gone = 0
        """Bytes of shares that are not kept any more."""

    @property
    def sent_bytes(self) -> int:
        """What all viewers' sockets have taken, since the beginning."""
        return self._gone + sum(map(self._sent, self._shares.values()))

    def joined(self, kind: Hashable) -> Share:
        """One more viewer, not in step yet: the share it is counted in."""
        share = self._shares.get(kind)
        if share is None:
            share = self._shares[kind] = Share()
        share.viewers += 1
        return share

    def step(self, size: int) -> None:
        """Everybody in step got so many bytes."""
        self._sum += size

    def came_in(self, share: Share) -> None:
        """A viewer of the share is in step from now on."""
        share.in_step += 1
        share.sent -= self._sum

    def fell_out(self, share: Share) -> None:
        """A viewer of the share is in step no more."""
        share.in_step -= 1
        share.sent += self._sum

    def take(self) -> list[Tally]:
        """The tally of each kind. A kind whose viewers have all left is told once more, if they got anything,
        and then forgotten."""
        tallies: list[Tally] = []
        step, deserted = self._sum, []
        for kind, share in self._shares.items():  # Of every cohort, each second: hence without calls.
            viewers, sent = share.viewers, share.sent + share.in_step * step
            if viewers or sent != share.told:
                tallies.append((kind, viewers, sent - share.told))
                share.told = sent
            if not viewers:
                deserted.append(kind)
        for kind in deserted:
            self._gone += self._sent(self._shares.pop(kind))
        return tallies

    def _sent(self, share: Share) -> int:
        return share.sent + share.in_step * self._sum
