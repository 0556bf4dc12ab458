"""A stream's viewers, put together from what the workers report."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from oxbow.rooms.live.control.messages import Kind, Share, StreamReport

HLS_VIEWER_SECONDS = 12.0
"""An HLS viewer that asked for nothing for so long has left. Players ask at least once a target duration."""
BANDWIDTH_SECONDS = 5
"""Viewers' bandwidth is the mean over so many seconds of reports."""


class Crowd(NamedTuple):
    """Viewers, and what goes out to them."""

    viewers: int
    bandwidth: int
    """Bits per second, the mean of the last BANDWIDTH_SECONDS."""


def total(crowds: Iterable[Crowd]) -> Crowd:
    """All of them together."""
    viewers = bandwidth = 0
    for crowd in crowds:
        viewers += crowd.viewers
        bandwidth += crowd.bandwidth
    return Crowd(viewers, bandwidth)


class _Told(NamedTuple):
    """A worker's report of one stream."""

    at: float
    shares: list[Share]
    kinds: list[Kind]


@dataclass(slots=True)
class Audience:
    """One stream's. Reports are kept as they came, and looked into when somebody asks."""

    _connected: dict[int, _Told] = field(default_factory=dict)
    """By worker, as of its last report."""
    _sessions: dict[str, tuple[float, Kind]] = field(default_factory=dict)
    """HLS viewers: when each was last seen, and what kind it is of."""
    _sent: deque[_Told] = field(default_factory=deque)

    def take(self, worker: int, stream: StreamReport, kinds: list[Kind], now: float) -> None:
        """What a worker says of this stream; it stands for all that the worker carries of it."""
        told = _Told(now, stream.shares, kinds)
        self._connected[worker] = told
        self._sent.append(told)
        self._forget_sent(now)
        for share in stream.shares:
            for session in share.sessions:
                self._sessions[session] = (now, kinds[share.kind])

    def lost(self, worker: int) -> None:
        """The worker serves nobody (any more)."""
        self._connected.pop(worker, None)

    def is_over(self, now: float) -> bool:
        """Forget what is too old; whether nothing is left."""
        self._forget_sent(now)
        if self._sessions:
            self._sessions = {
                session: seen
                for session, seen in self._sessions.items()
                if now - seen[0] < HLS_VIEWER_SECONDS
            }
        return not (self._connected or self._sessions or self._sent)

    def _forget_sent(self, now: float) -> None:
        while self._sent and now - self._sent[0].at >= BANDWIDTH_SECONDS:
            self._sent.popleft()

    def viewers(self, now: float) -> Counter[Kind]:
        """How many of each kind watch."""
        counts: Counter[Kind] = Counter()
        for told in self._connected.values():
            for share in told.shares:
                if share.viewers:
                    counts[told.kinds[share.kind]] += share.viewers
        for seen, kind in self._sessions.values():
            if now - seen < HLS_VIEWER_SECONDS:
                counts[kind] += 1
        return counts

    def crowds(self, now: float) -> dict[Kind, Crowd]:
        """Each kind of viewers there is, or was a moment ago."""
        viewers = self.viewers(now)
        sent: Counter[Kind] = Counter()
        for told in self._sent:
            if now - told.at < BANDWIDTH_SECONDS:
                for share in told.shares:
                    sent[told.kinds[share.kind]] += share.sent_bytes
        return {
            kind: Crowd(viewers[kind], sent[kind] * 8 // BANDWIDTH_SECONDS)
            for kind in viewers.keys() | (+sent).keys()
        }
