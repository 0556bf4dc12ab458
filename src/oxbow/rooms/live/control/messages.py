"""What control and the media workers say to each other, and how it looks on the socket.

Each message is a msgpack map with its type's name, behind its length in four bytes (big endian). Both ends
run the same version, since the supervisor starts them, so there is nothing to negotiate.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from oxbow.kernel.refusals.models import Refusal
from oxbow.media.parameters import MediaParameters
from oxbow.rooms.live.snapshot import ConfigSnapshot

MAX_MESSAGE = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of everything that is said."""


class LivePublisher(msgspec.Struct, frozen=True):
    """A broadcast as the worker that carries it knows it."""

    hub: str
    stream: str
    session: str
    """Unique id of this publisher's connection."""
    client_addr: str
    """`ip:port` of the publisher."""
    server_addr: str
    """`ip:port` that the publisher connected to."""
    started_at: float
    """Unix seconds."""
    protocol: str = "rtmp"
    domain: str = ""
    """The bound domain that it publishes to, in lower case; empty for an address without one."""
    area: str = ""
    """Where it is: one of cn, hk, tw, apac, am, emea; this and the next two are empty where it is not
    known."""
    isp: str = ""
    """The operator of its network."""
    location: str = ""
    """Its province, city or country, by name."""
    query: str = ""
    """Of the address that it published to, as typed."""


class Hello(Message, frozen=True):
    """Worker, first on each connection: who it is, and what it carries (after control was restarted)."""

    worker: int
    pid: int
    publishers: list[LivePublisher]


class AskPublish(Message, frozen=True):
    """Worker: may this publisher start?"""

    ask: int
    publisher: LivePublisher
    query: str
    domain: str | None


class PublishAnswer(Message, frozen=True):
    """Control: the answer to an AskPublish with the same `ask`. Refused if `refusal` is set."""

    ask: int
    refusal: str = ""
    """Stable reason id, empty if granted."""
    description: str = ""
    grace_seconds: float = 0.0
    found: str = ""
    """What the rule that refuses saw."""
    wanted: str = ""
    """What it would have let in."""


class Patience(Message, frozen=True):
    """Control, now and then while it decides about an AskPublish: the answer may take longer."""

    ask: int


class AskPlay(Message, frozen=True):
    """Worker: may this viewer watch? Asked only where an operator's server decides about viewers; all else is
    decided already."""

    ask: int
    hub: str
    stream: str
    domain: str
    """The bound domain, in lower case."""
    protocol: str
    """rtmp, flv or hls."""
    path: str
    query: str
    client_addr: str
    """`ip:port`."""
    referer: str


class PlayAnswer(Message, frozen=True):
    """Control: the answer to an AskPlay with the same `ask`. Refused if `refusal` is set."""

    ask: int
    refusal: str = ""
    description: str = ""
    found: str = ""


class PublishEnded(Message, frozen=True):
    """Worker: a granted publisher is gone, whether it ever sent anything or not."""

    hub: str
    stream: str
    session: str
    reason: str


class Cut(Message, frozen=True):
    """Control: disconnect the publisher of a stream, and its viewers if `viewers`; confirmed by
    PublishEnded."""

    hub: str
    stream: str
    reason: str
    viewers: bool


class Configure(Message, frozen=True):
    """Control: the configuration from now on."""

    snapshot: ConfigSnapshot


class Figures(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A publisher's figures over the last seconds (see oxbow.media.probe.Reading)."""

    session: str
    bps: int
    video_bps: int
    audio_bps: int
    video_fps: int
    audio_fps: int
    data_fps: int
    max_gop_ms: int
    avg_gop_ms: int
    silent_seconds: float
    """How long nothing came from the publisher."""
    dropped_bytes: int
    """Bytes that shared memory had no room for, since the start."""
    media: MediaParameters | None = None
    """What its sequence headers say; None if that is what control was told last."""


class Kind(NamedTuple):
    """What publishers and viewers are told apart by in statistics, besides their stream."""

    domain: str
    """The bound domain, in lower case; empty for an address without one."""
    protocol: str
    """rtmp, flv, ws or hls."""
    area: str
    """One of cn, hk, tw, apac, am, emea; empty where it is not known."""
    isp: str
    """The operator of the client's network; empty where it is not known."""


class Share(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Viewers of one kind of one stream in one worker, over the last interval."""

    kind: int
    """Its place in the report's `kinds`."""
    viewers: int
    """Connected now. HLS viewers are not connected, `sessions` tells them."""
    sent_bytes: int
    """What their sockets took in the interval, from the head of the answer that lets a viewer in."""
    sessions: tuple[str, ...] = ()
    """HLS viewers that asked for anything within the interval; a viewer may show up at several workers."""


class Received(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a publisher of one stream in one worker sent, over the last interval."""

    kind: int
    """Its place in the report's `kinds`."""
    received_bytes: int
    """Read from their sockets once they were let in: media and its framing."""


class StreamReport(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stream in one worker over the last interval.

    There are thousands of these a second: they are arrays on the socket, and a domain's name or an operator's
    is spelled once in a report.
    """

    hub: str
    stream: str
    publisher: Figures | None = None
    shares: list[Share] = []
    """None that would tell of neither viewers nor bytes."""
    received: list[Received] = []
    """Bytes from publishers, also from one that has gone within the interval."""
    skipped_bytes: int = 0
    dropped_viewers: int = 0

    @property
    def sent_bytes(self) -> int:
        """Bytes sent to viewers in the interval, all protocols."""
        return sum([share.sent_bytes for share in self.shares])

    @property
    def received_bytes(self) -> int:
        """Bytes that came from publishers in the interval."""
        return sum([one.received_bytes for one in self.received])


class Report(Message, frozen=True):
    """Worker, once a second: everything it carries."""

    seconds: float
    """Length of the interval."""
    connections: int
    streams: list[StreamReport]
    refused: dict[str, int]
    """Refused connections in the interval, by reason."""
    kinds: list[Kind] = []
    """What the numbers in shares stand for, in this report."""
    version: int = 0
    """Of the configuration that the worker goes by."""
    refusals: list[Refusal] = []
    """Records of refused publishers and viewers, bounded; see oxbow.kernel.refusals.buffer."""


AnyMessage = (
    Hello
    | AskPublish
    | PublishAnswer
    | Patience
    | AskPlay
    | PlayAnswer
    | PublishEnded
    | Cut
    | Configure
    | Report
)

_decoder = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: AnyMessage) -> bytes:
    """A message as it goes over the socket, length first."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_messages(reader: asyncio.StreamReader) -> AsyncIterator[AnyMessage]:
    """The peer's messages until it closes; ValueError for anything that is none."""
    while True:
        try:
            (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            if size > MAX_MESSAGE:
                raise ValueError(f"a control message of {size} bytes")
            body = await reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        yield _decoder.decode(body)
