"""A log that is written second by second, a cohort that watches it, and viewers with real sockets."""

import select
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broadcast import broadcast, is_key
from oxbow.media import fanout
from oxbow.media.fanout import Cohort, FanoutLimits
from oxbow.media.formats import FLV
from oxbow.media.framing.rtmp import message_size
from oxbow.media.log import LogReader, LogWriter, Retention
from oxbow.media.viewer import Viewer
from oxbow.proto import flv

HEAD = flv.FILE_HEADER
LIMITS = FanoutLimits(max_lag_seconds=4.0, stall_seconds=10.0)
SMALL = 4096
"""A socket buffer that a tick of the stream does not fit in."""


class Clock:
    """The monotonic clock, as the fan-out and the log see it."""

    def __init__(self) -> None:
        self.now = 10**12

    def monotonic_ns(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1e9


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fanout, "time", clock)
    monkeypatch.setattr("oxbow.media.log.time", clock)
    return clock


def tag_size(log: LogReader, offset: int) -> int:
    return 15 + int.from_bytes(log.read(offset + 1, 3), "big")


def rtmp_size(log: LogReader, offset: int) -> int:
    return message_size(log.read(offset, 12))


class Stage:
    """A log that is written second by second, and a cohort that watches it."""

    def __init__(self, directory: Path, encode: Callable[[flv.Tag], bytes], retention: Retention) -> None:
        self.log = LogWriter(directory, "log", retention)
        reader = LogReader.open(directory, "log")
        assert reader is not None
        self.reader = reader
        self._encode = encode
        self._second = 0

    def second(self, size: int = 100) -> bytes:
        """Append the next second of the stream, which begins with a keyframe; returns its bytes."""
        start = self._second * 1000
        self._second += 1
        messages = broadcast(start, start + 1000, size=size)
        pieces = [self._encode(flv.Tag(m.type_id, m.timestamp, m.payload)) for m in messages]
        self.log.append(pieces, [(0, start)], start + 960)
        return b"".join(pieces)

    def close(self) -> None:
        self.log.close()
        self.reader.close()


def encode_flv(tag: flv.Tag) -> bytes:
    return flv.tag(*tag)


@pytest.fixture
def stage(shm: Path) -> Iterator[Stage]:
    stage = Stage(shm, encode_flv, Retention(seconds=1000.0))
    yield stage
    stage.close()


@pytest.fixture
def cohort(stage: Stage) -> Cohort:
    return Cohort(stage.reader, FLV, LIMITS)


@dataclass
class Client:
    """A viewer's both ends."""

    near: socket.socket
    far: socket.socket
    greeting: bytes = b""
    gone: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.viewer = Viewer(self.near, self)

    def preamble(self, head: bytes) -> bytes:
        return self.greeting + head

    def viewer_gone(self, viewer: Viewer, reason: str) -> None:
        assert viewer is self.viewer
        self.gone.append(reason)

    def vanish(self) -> None:
        """The connection is reset."""
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.far.close()

    def read(self, limit: int | None = None) -> bytes:
        """Take what is there, or `limit` bytes of it."""
        taken = bytearray()
        try:
            while limit is None or len(taken) < limit:
                data = self.far.recv(65536 if limit is None else limit - len(taken))
                if not data:
                    break
                taken += data
        except BlockingIOError:
            pass
        self.received += taken
        return bytes(taken)


Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients; one with a small buffer takes less than a tick at once."""
    clients: list[Client] = []

    def make(buffer: int = 1 << 20, greeting: bytes = b"") -> Client:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as far:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            far.connect(server.getsockname())
            near, far = server.accept()[0], far.dup()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        near.setblocking(False)
        far.setblocking(False)
        clients.append(Client(near, far, greeting))
        return clients[-1]

    yield make
    for client in clients:
        client.near.close()
        client.far.close()


def enter(cohort: Cohort, client: Client) -> bool:
    """A tick passes, then somebody comes."""
    cohort.push()
    return cohort.join(client.viewer)


def drain(cohort: Cohort, client: Client, bite: int | None = None, others: int = 0) -> None:
    """Read and serve until the client has all that was sent, and nothing more comes. `others`: bytes that
    other viewers got."""
    while True:
        cohort.push()
        sent = cohort.shares.sent_bytes - others
        if len(client.received) < sent:
            assert select.select([client.far], [], [], 10)[0], "more was sent than comes"
            client.read(bite)
        elif not client.gone and sent == cohort.shares.sent_bytes - others:
            cohort.push()
            if sent == cohort.shares.sent_bytes - others:
                return
        else:
            return


def settle(cohort: Cohort) -> None:
    """Serve until no socket takes any more."""
    before = -1
    while before != cohort.shares.sent_bytes:
        before = cohort.shares.sent_bytes
        cohort.push()


def keyframe_times(tags: list[flv.Tag]) -> list[int]:
    return [tag.timestamp for tag in tags if is_key(tag)]
