"""Who left a moment ago, and may come back as if nothing had been."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from oxbow.rooms.live.control.messages import LivePublisher

MAX_ABSENT = 20_000
"""Beyond, those that left first are forgotten: they are asked about again when they are back."""


class Absences:
    """In memory: after a restart everybody is asked about again.

    :param clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._absent: OrderedDict[tuple[str, str, str], tuple[float, LivePublisher]] = OrderedDict()
        """By hub, stream and domain: until when it counts, and who it was."""

    def left(self, publisher: LivePublisher, seconds: float) -> None:
        """A publisher may be back within so many seconds."""
        place = _place(publisher)
        self._absent.pop(place, None)
        self._absent[place] = self._clock() + seconds, publisher
        if len(self._absent) > MAX_ABSENT:
            self._absent.popitem(last=False)

    def ends(self, publisher: LivePublisher) -> bool:
        """Whether this is the client that is away, back in time. Nobody counts as away any more."""
        until, former = self._absent.pop(_place(publisher), (0.0, None))
        return former is not None and self._clock() < until and is_same_client(former, publisher)


def is_same_client(one: LivePublisher, other: LivePublisher) -> bool:
    """Whether both came by the same domain from the same IP address, and typed the same query: whatever
    decided about the one says the same of the other."""
    return _identity(one) == _identity(other)


def _identity(publisher: LivePublisher) -> tuple[str, str, str]:
    return publisher.domain, publisher.client_addr.rpartition(":")[0], publisher.query


def _place(publisher: LivePublisher) -> tuple[str, str, str]:
    return publisher.hub, publisher.stream, publisher.domain
