"""A stream's viewers, put together from what the workers report."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from oxbow.rooms.live.control.messages import Share, StreamReport

HLS_VIEWER_SECONDS = 12.0
"""An HLS viewer that asked for nothing for so long has left. Players ask at least once a target duration."""
BANDWIDTH_SECONDS = 5
"""Viewers' bandwidth is the mean over so many seconds of reports."""


class Kind(NamedTuple):
    """What viewers are told apart by; see oxbow.rooms.live.control.messages.Share."""

    domain: str
    protocol: str
    area: str
    isp: str


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


@dataclass(slots=True)
class Audience:
    """One stream's. Reports are kept as they came, and looked into when somebody asks."""

    _connected: dict[int, list[Share]] = field(default_factory=dict)
    """By worker, as of its last report."""
    _sessions: dict[str, tuple[float, Share]] = field(default_factory=dict)
    """HLS viewers: when each was last seen, and in which share."""
    _sent: deque[tuple[float, list[Share]]] = field(default_factory=deque)

    def take(self, worker: int, report: StreamReport, now: float) -> None:
        """What a worker says of this stream; it stands for all that the worker carries of it."""
        self._connected[worker] = report.shares
        self._sent.append((now, report.shares))
        for share in report.shares:
            for session in share.sessions:
                self._sessions[session] = (now, share)

    def lost(self, worker: int) -> None:
        """The worker serves nobody (any more)."""
        self._connected.pop(worker, None)

    def is_over(self, now: float) -> bool:
        """Forget what is too old; whether nothing is left."""
        while self._sent and now - self._sent[0][0] >= BANDWIDTH_SECONDS:
            self._sent.popleft()
        if self._sessions:
            self._sessions = {
                session: seen
                for session, seen in self._sessions.items()
                if now - seen[0] < HLS_VIEWER_SECONDS
            }
        return not (self._connected or self._sessions or self._sent)

    def viewers(self, now: float) -> Counter[Kind]:
        """How many of each kind watch."""
        counts: Counter[Kind] = Counter()
        for shares in self._connected.values():
            for share in shares:
                if share.viewers:
                    counts[_kind(share)] += share.viewers
        for seen, share in self._sessions.values():
            if now - seen < HLS_VIEWER_SECONDS:
                counts[_kind(share)] += 1
        return counts

    def crowds(self, now: float) -> dict[Kind, Crowd]:
        """Each kind of viewers there is, or was a moment ago."""
        viewers = self.viewers(now)
        sent: Counter[Kind] = Counter()
        for at, shares in self._sent:
            if now - at < BANDWIDTH_SECONDS:
                for share in shares:
                    sent[_kind(share)] += share.sent_bytes
        return {
            kind: Crowd(viewers[kind], sent[kind] * 8 // BANDWIDTH_SECONDS)
            for kind in viewers.keys() | (+sent).keys()
        }


def _kind(share: Share) -> Kind:
    return Kind(share.domain, share.protocol, share.area, share.isp)
