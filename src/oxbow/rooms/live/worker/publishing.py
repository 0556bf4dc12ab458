"""Who publishes in this worker: each publisher's socket is read, and its frames are appended, once per tick.

A stream that nobody watches is read every few ticks only, for most streams of a large cloud are like that:
what arrives meanwhile waits in the socket's buffer, as far as that has room. With the first viewer it is
every tick again.
"""

import select
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from oxbow.media.parameters import MediaParameters
from oxbow.media.stream import StreamWriter
from oxbow.rooms.live.control.link import ControlLink
from oxbow.rooms.live.control.messages import Figures, LivePublisher, PublishEnded
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.bit_rate import BIT_RATE_TOO_HIGH, BitRateLimit


class Publisher(Protocol):
    """A session that publishes."""

    info: LivePublisher
    writer: StreamWriter
    room: int
    """Bytes that its socket can surely hold until it is read."""

    @property
    def fd(self) -> int:
        """Its socket, open until it has ended."""

    def gather(self) -> int:
        """Read what the publisher has sent, and append it; returns how many bytes it was."""

    def second(self) -> None:
        """Housekeeping, about once a second."""

    def cut(self, reason: str) -> None:
        """Disconnect the publisher."""

    def take_received(self) -> int:
        """Bytes that came from it since last asked."""

    def failed(self, error: Exception) -> None:
        """Something nobody foresaw happened to it: only this publisher suffers."""

    def silent_seconds(self) -> float:
        """How long nothing has come from it."""


UNWATCHED_SECONDS = 1.0
"""While nobody watches, a publisher is read this often, or as soon as its socket may be half full or it has
hung up."""

Received = tuple[str, Way, int]
"""Protocol, way, and bytes that came."""


@dataclass(slots=True)
class _Entry:
    publisher: Publisher
    way: Way
    since: int = 0
    """Ticks since it was last read."""
    period: int = 1
    """After how many ticks it is read again, while nobody watches."""
    told: MediaParameters | None = None
    """What control knows of its media."""
    limit: BitRateLimit = field(default_factory=lambda: BitRateLimit(0))

    def read_now(self) -> None:
        self.period = 1

    def check_bit_rate(self) -> None:
        """About once a second: a publisher that sends too much for too long has to go."""
        if not self.limit.active or self.publisher.fd < 0:
            return
        if self.limit.is_exceeded(self.publisher.writer.probe.reading().bps):
            self.publisher.cut(BIT_RATE_TOO_HIGH)

    def gather(self, longest: int) -> None:
        self.since += 1
        if self.since < self.period and not self.publisher.writer.is_watched():
            return
        size = self.publisher.gather()
        self.period = min(longest, self.publisher.room * self.since // size) if size else 1
        self.since = 0

    def figures(self) -> Figures:
        publisher = self.publisher
        writer = publisher.writer
        media = writer.parameters
        news = None if media is self.told else media
        self.told = media
        return Figures(
            publisher.info.session,
            *writer.probe.reading(),
            publisher.silent_seconds(),
            writer.dropped_bytes,
            news,
        )


class Publishing:
    """All publishers of a worker."""

    def __init__(self, link: ControlLink, tick_seconds: float, max_kbps: int = 0) -> None:
        self._link = link
        self._max_kbps = max_kbps
        self._longest = max(1, round(UNWATCHED_SECONDS / tick_seconds))
        self._entries: dict[tuple[str, str], _Entry] = {}
        # Tells of nothing but hung up sockets: one call a tick for all publishers, and none for what they
        # send.
        self._hang_ups = select.epoll()
        self._by_fd: dict[int, _Entry] = {}
        self._received: dict[tuple[str, str], list[Received]] = {}
        """What came from publishers that have gone since it was last asked for, by stream."""

    def begin(self, publisher: Publisher) -> None:
        """A publisher was let in and has its log."""
        info = publisher.info
        entry = self._entries[info.hub, info.stream] = _Entry(
            publisher, Way(info.domain, info.area, info.isp), limit=BitRateLimit(self._max_kbps)
        )
        self._by_fd[publisher.fd] = entry
        self._hang_ups.register(publisher.fd, select.EPOLLRDHUP | select.EPOLLET)

    def end(self, info: LivePublisher, reason: str) -> None:
        """A publisher that control let in is gone, whether it got as far as `begin` or not."""
        entry = self._entries.get((info.hub, info.stream))
        if entry is not None and entry.publisher.info.session == info.session:
            del self._entries[info.hub, info.stream]
            del self._by_fd[entry.publisher.fd]
            self._hang_ups.unregister(entry.publisher.fd)
            self._note_received(entry)
            entry.publisher.writer.leave()
        self._link.send(PublishEnded(info.hub, info.stream, info.session, reason))

    def cut(self, hub: str, stream: str, reason: str) -> None:
        """Disconnect a stream's publisher, if it is here."""
        entry = self._entries.get((hub, stream))
        if entry is not None:
            entry.publisher.cut(reason)

    def cut_off(self, domains: Collection[str], reason: str) -> None:
        """Disconnect every publisher that came by one of the domains."""
        for entry in list(self._entries.values()):
            if entry.publisher.info.domain in domains:
                entry.publisher.cut(reason)

    def gather(self) -> None:
        """Once per tick."""
        for fd, _ in self._hang_ups.poll(0):
            if fd in self._by_fd:
                self._by_fd[fd].read_now()
        for entry in list(self._entries.values()):
            try:
                entry.gather(self._longest)
            except Exception as error:
                entry.publisher.failed(error)

    def second(self) -> None:
        """About once a second."""
        for entry in list(self._entries.values()):
            entry.publisher.second()
            entry.check_bit_rate()

    def streams(self) -> set[tuple[str, str]]:
        """(hub, stream) of all that is published here."""
        return set(self._entries)

    def tell_anew(self) -> None:
        """Control knows nothing (any more): the next figures tell everything."""
        for entry in self._entries.values():
            entry.told = None

    def infos(self) -> list[LivePublisher]:
        """Everything that is on air here."""
        return [entry.publisher.info for entry in self._entries.values()]

    def figures(self) -> dict[tuple[str, str], Figures]:
        """The figures of each stream that is published here."""
        return {key: entry.figures() for key, entry in self._entries.items()}

    def received(self) -> dict[tuple[str, str], list[Received]]:
        """What came from each stream's publishers since the last call."""
        for entry in self._entries.values():
            self._note_received(entry)
        received, self._received = self._received, {}
        return received

    def _note_received(self, entry: _Entry) -> None:
        size, info = entry.publisher.take_received(), entry.publisher.info
        if size:
            self._received.setdefault((info.hub, info.stream), []).append((info.protocol, entry.way, size))
