"""The ways to watch: which log a viewer is sent, and what its bytes are made of."""

from collections.abc import Callable
from dataclasses import dataclass

from oxbow.media.framing.rtmp import frame, message_size
from oxbow.media.log import LogReader
from oxbow.media.names import FLV_LOG, RTMP_LOG
from oxbow.proto import flv
from oxbow.proto.websocket import binary_header

_FILE_HEADER = len(flv.FILE_HEADER)


@dataclass(frozen=True, slots=True)
class Format:
    """A way to watch."""

    name: str
    """`flv`, `ws` or `rtmp`."""
    log: str
    size_of: Callable[[LogReader, int], int]
    """The size of the tag or message that begins at an offset of the log."""
    head_at: Callable[[bytes, int], bytes]
    """What a viewer gets before a key point with this time stamp, made from the log's head. Players start
    their clocks with the first time stamp they see, so the head must not carry an earlier one."""
    envelope: Callable[[int], bytes] | None = None
    """What goes before so many bytes of the log, for formats that frame what they carry."""


def _tag_size(log: LogReader, offset: int) -> int:
    return 15 + int.from_bytes(log.read(offset + 1, 3), "big")


def _message_size(log: LogReader, offset: int) -> int:
    return message_size(log.read(offset, 12))


def _tags_at(head: bytes, timestamp: int) -> list[flv.Tag]:
    tags, _ = flv.iter_tags(head[_FILE_HEADER:])
    return [flv.Tag(tag.type, timestamp & 0xFFFFFFFF, tag.payload) for tag in tags]


def _flv_head(head: bytes, timestamp: int) -> bytes:
    tags = (flv.tag(tag.type, tag.timestamp, tag.payload) for tag in _tags_at(head, timestamp))
    return head[:_FILE_HEADER] + b"".join(tags)


def _rtmp_head(head: bytes, timestamp: int) -> bytes:
    return b"".join(map(frame, _tags_at(head, timestamp)))


FLV = Format("flv", FLV_LOG, _tag_size, _flv_head)
WEBSOCKET = Format("ws", FLV_LOG, _tag_size, _flv_head, binary_header)
RTMP = Format("rtmp", RTMP_LOG, _message_size, _rtmp_head)
FORMATS = (FLV, WEBSOCKET, RTMP)
