"""What a server connection tells its caller. Media arrives as plain :class:`~.message.Message` tuples."""

from dataclasses import dataclass
from typing import Any

from oxbow.proto.rtmp.message import Message


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """The client names the application. Answer with ``accept_connect`` or ``reject_connect``."""

    app: str
    """As sent, with its query string if it has one."""
    tc_url: str
    """The address the client dialled, "" when it does not say."""
    properties: dict[str, Any]
    """The whole command object, ``flashVer`` and Enhanced RTMP's capabilities included."""


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """Answer with ``accept_publish`` or ``reject_publish``.

    An eager publisher's media may follow before the answer: those messages are its first ones, so keep them.
    """

    stream_id: int
    name: str
    """As sent, with its query string if it has one; at most 1024 printable characters, not empty."""
    publish_type: str
    """"live", "record" or "append"."""
    transaction: float


@dataclass(frozen=True, slots=True)
class PlayRequested:
    """Answer with ``accept_play`` or ``reject_play``, now or when the stream is there."""

    stream_id: int
    name: str
    """As sent, with its query string if it has one; at most 1024 printable characters, not empty."""
    start: float
    """As sent: -2 live or recorded, -1 live only, from 0 recorded. Seconds, but FFmpeg sends -2000."""
    duration: float
    """Seconds; -1 until the end."""
    reset: bool
    """Flush the earlier playlist."""
    transaction: float


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """A player pauses or goes on; it has been told that it may."""

    stream_id: int
    paused: bool
    position: float
    """Milliseconds, as the player counts them."""


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """A publish or play that was asked for has ended (deleteStream, closeStream or FCUnpublish)."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The client has received this many bytes, modulo 2**32."""

    sequence: int


@dataclass(frozen=True, slots=True)
class PingAnswered:
    """The answer to ``ping_request``."""

    timestamp: int
    """What the request carried."""


Event = (
    Message
    | ConnectRequested
    | PublishRequested
    | PlayRequested
    | PauseRequested
    | StreamClosed
    | Acknowledged
    | PingAnswered
)
