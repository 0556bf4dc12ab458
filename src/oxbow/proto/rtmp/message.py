"""RTMP messages and their type numbers (RTMP 5.4, 6.2, 7.1)."""

from typing import Final, NamedTuple

from oxbow.proto.errors import ProtocolError

SET_CHUNK_SIZE: Final = 1
ABORT: Final = 2
ACKNOWLEDGEMENT: Final = 3
USER_CONTROL: Final = 4
WINDOW_ACKNOWLEDGEMENT_SIZE: Final = 5
SET_PEER_BANDWIDTH: Final = 6
AUDIO: Final = 8
VIDEO: Final = 9
DATA_AMF3: Final = 15
COMMAND_AMF3: Final = 17
DATA: Final = 18
COMMAND: Final = 20
AGGREGATE: Final = 22


class RtmpError(ProtocolError):
    """The peer broke RTMP, or asked for more than is allowed."""


class Message(NamedTuple):
    """One RTMP message. Media messages reach the caller in this form, without any wrapping."""

    type_id: int
    """8 audio, 9 video, 18 script data; the rest are this module's constants."""
    timestamp: int
    """Absolute, milliseconds, 0 to 2**32 - 1 (it wraps)."""
    stream_id: int
    """The message stream: 0 for the connection itself, then what createStream answered."""
    payload: bytes
