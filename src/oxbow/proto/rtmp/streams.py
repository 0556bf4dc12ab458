"""The message streams of one server connection: who made them, and what each is used for."""

from enum import Enum
from typing import Final

from oxbow.proto.rtmp.message import RtmpError

MAX_STREAMS: Final = 4
"""Message streams that one connection may create; encoders and players need one."""


class Use(Enum):
    """What a message stream is used for; one thing at a time."""

    NOTHING = "nothing"
    PUBLISH = "publish"
    PLAY = "play"


class Stream:
    """A message stream that createStream handed out."""

    __slots__ = ("name", "reset", "use")

    def __init__(self) -> None:
        self.use = Use.NOTHING
        self.name = ""
        self.reset = False


class StreamTable:
    """Message streams by their id, from 1."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self.publishing: set[int] = set()
        """The ids that media is accepted on."""

    def create(self) -> int:
        """The lowest free id. Raises RtmpError when there are too many."""
        for stream_id in range(1, MAX_STREAMS + 1):
            if stream_id not in self._streams:
                self._streams[stream_id] = Stream()
                return stream_id
        raise RtmpError(f"a connection has at most {MAX_STREAMS} streams")

    def used(self, stream_id: int, use: Use) -> Stream | None:
        """The stream, if it is used so."""
        stream = self._streams.get(stream_id)
        return stream if stream is not None and stream.use is use else None

    def idle(self, stream_id: int) -> Stream:
        """The stream, if it can be put to use. Raises RtmpError that says why not."""
        stream = self._streams.get(stream_id)
        if stream is None:
            raise RtmpError(f"stream {stream_id} was not created")
        if stream.use is not Use.NOTHING:
            raise RtmpError(f"stream {stream_id} is already used to {stream.use.value}")
        return stream

    def begin(self, stream_id: int, use: Use, name: str) -> Stream:
        """Put an idle stream to use. Raises RtmpError."""
        stream = self.idle(stream_id)
        stream.use, stream.name = use, name
        if use is Use.PUBLISH:
            self.publishing.add(stream_id)
        return stream

    def end(self, stream_id: int) -> Use:
        """Make a stream idle; what it was used for, NOTHING if there is none."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return Use.NOTHING
        self.publishing.discard(stream_id)
        use, stream.use = stream.use, Use.NOTHING
        return use

    def delete(self, stream_id: int) -> None:
        """Free the id."""
        self._streams.pop(stream_id, None)

    def publishing_as(self, name: object) -> list[int]:
        """The ids that ``name`` is published on."""
        return [stream_id for stream_id in self.publishing if self._streams[stream_id].name == name]
