"""The chunk stream (RTMP 5.3): messages cut into chunks, and put together again in bulk.

Publishers cut their frames into chunks of 128 bytes unless told otherwise, about 80 a frame. Handling
each in Python would cost more than everything else a server does for them. But the chunks of one message
nearly always lie one behind the other, and then the header bytes between them stand at a fixed distance
and are all alike: one extended slice shows whether they do, and another removes them. Anything else (other
chunk streams in between, other header forms) takes the same way in shorter runs.
"""

import struct
from typing import Final

from oxbow.proto.rtmp.message import ABORT, SET_CHUNK_SIZE, Message, RtmpError
from oxbow.proto.rtmp.writer import (
    EXTENDED,
    MAX_MESSAGE_SIZE,
    OUT_CHUNK_SIZE,
    basic_header,
    encode_message,
)

__all__ = [
    "DEFAULT_CHUNK_SIZE",
    "MAX_MESSAGE_SIZE",
    "OUT_CHUNK_SIZE",
    "ChunkReader",
    "Message",
    "encode_message",
]

DEFAULT_CHUNK_SIZE: Final = 128

_TIMESTAMPS: Final = 1 << 32
_HEADER_SIZES: Final = (11, 7, 3, 0)
_MIN_LOOKAHEAD: Final = 16
_TWO_WORDS = struct.Struct(">II")
_STREAM_ID = struct.Struct("<I")
_message = tuple.__new__  # Twice as fast as Message(...), which is a Python function.


class _ChunkStream:
    """What the last header of one chunk stream said, and the message it is in the middle of."""

    __slots__ = (
        "basic",
        "body",
        "continuation",
        "delta",
        "is_absolute",
        "length",
        "stream_id",
        "timestamp",
        "type_id",
    )

    def __init__(self, csid: int) -> None:
        self.basic = basic_header(3, csid)
        self.continuation = self.basic
        """What stands in front of each further chunk of the message."""
        self.is_absolute = False
        """The last header was of type 0."""
        self.timestamp = self.delta = self.length = self.type_id = self.stream_id = 0
        self.body: bytearray | None = None
        """The bytes of an unfinished message; None between messages."""


class ChunkReader:
    """Turns a peer's bytes into messages. Set Chunk Size and Abort are obeyed and not handed on.

    Memory is spent on bytes received, never on lengths announced: a message longer than
    ``max_message_size`` is refused by its header, and the unfinished messages of all chunk streams
    together may hold twice that. Time is linear in the bytes, however they are cut.
    """

    def __init__(self, *, max_message_size: int = 4 << 20, max_chunk_streams: int = 64) -> None:
        self.max_message_size = min(max_message_size, MAX_MESSAGE_SIZE)
        self.max_chunk_streams = max_chunk_streams
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._streams: dict[int, _ChunkStream] = {}
        self._pending = b""
        """A chunk header of which bytes are still missing (at most 17 bytes)."""
        self._current: _ChunkStream | None = None
        """The chunk stream whose chunk has begun and is not complete ..."""
        self._left = 0
        """... and how many bytes of that chunk are to come."""
        self._unfinished = 0
        self._lookahead = _MIN_LOOKAHEAD

    @property
    def chunk_size(self) -> int:
        """The peer's largest chunk, in bytes; it changes with each Set Chunk Size message."""
        return self._chunk_size

    @chunk_size.setter
    def chunk_size(self, size: int) -> None:
        if not 1 <= size <= 0x7FFFFFFF:
            raise RtmpError(f"Set Chunk Size announces {size}; it takes 1 to 2147483647")
        # No message is longer than that: a larger chunk size means one chunk a message.
        self._chunk_size = min(size, MAX_MESSAGE_SIZE)

    def receive(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes, in order. Raises RtmpError; the reader is of no use then.

        Bytes-like objects other than ``bytes`` are copied first.
        """
        if self._pending:
            data = self._pending + data
            self._pending = b""
        elif type(data) is not bytes:
            data = bytes(data)
        messages: list[Message] = []
        position, end = 0, len(data)
        while position < end:
            if self._current is None:
                position = self._read_ordinary(data, position, end, messages)
                if position == end:
                    break
                start = self._read_header(data, position, end)
                if start < 0:
                    self._pending = data[position:]
                    break
                position = start
            position = self._read_payload(data, position, end, messages)
        return messages

    def _read_ordinary(self, data: bytes, position: int, end: int, messages: list[Message]) -> int:
        """Read ordinary messages for as long as there are any; the place behind the last.

        Ordinary is: a header of type 0 or 1 without extended timestamp, on a known chunk stream, all chunks
        there and with nothing in between. At any other ``position`` the careful way is taken, which would do
        for these too but in more steps. A server with many publishers spends most of its time in this loop.
        """
        streams, chunk_size, max_size = self._streams, self._chunk_size, self.max_message_size
        two_words, append = _TWO_WORDS.unpack_from, messages.append
        while position < end:
            first = data[position]
            start = position + (12 if first < 0x40 else 8)
            stream = streams.get(first & 0x3F)
            if stream is None or first >= 0x80 or start > end or stream.body is not None:
                break
            word, length_and_type = two_words(data, position)
            field = word & EXTENDED
            length = length_and_type >> 8
            type_id = length_and_type & 0xFF
            stop = start + length
            if length > chunk_size:
                chunks = (length - 1) // chunk_size
                stop += chunks
                if chunks > self._lookahead:
                    break
            if stop > end or not length or field == EXTENDED or type_id < 3 or length > max_size:
                break
            if length <= chunk_size:
                payload = data[start:stop]
            else:
                if data[start + chunk_size : stop : chunk_size + 1].lstrip(stream.basic):
                    break
                raw = bytearray(memoryview(data)[start:stop])
                del raw[chunk_size :: chunk_size + 1]
                payload = bytes(raw)
            stream.delta = field
            if first < 0x40:
                stream.stream_id = _STREAM_ID.unpack_from(data, start - 4)[0]
                stream.is_absolute = True
            else:
                field = stream.timestamp + field & 0xFFFFFFFF
                stream.is_absolute = False
            stream.timestamp = field
            stream.length = length
            stream.type_id = type_id
            stream.continuation = stream.basic
            append(_message(Message, (type_id, field, stream.stream_id, payload)))
            position = stop
        return position

    def _read_header(self, data: bytes, position: int, end: int) -> int:
        """Enter the chunk whose header begins at ``position``; the place behind it, or -1 if it is cut."""
        first = data[position]
        form, csid = first >> 6, first & 0x3F
        start = position + 1
        if csid < 2:
            start += csid + 1
            if start > end:
                return -1
            csid = 64 + int.from_bytes(data[position + 1 : start], "little")
        body = start + _HEADER_SIZES[form]
        if body > end:
            return -1
        stream = self._streams.get(csid) or self._open(csid, form)
        if form == 3:
            body = self._repeat_header(stream, data, body, end)
        elif stream.body is not None:
            raise RtmpError(f"chunk stream {csid} begins a message before the last one was complete")
        else:
            body = self._full_header(stream, form, data, start, body, end)
        if body >= 0:
            missing = stream.length - len(stream.body) if stream.body is not None else stream.length
            self._left = missing if missing < self._chunk_size else self._chunk_size
            self._current = stream
        return body

    def _open(self, csid: int, form: int) -> _ChunkStream:
        # librtmp begins its control chunk stream with type 1, which lacks only the stream id: 0 is right.
        if form > 1:
            raise RtmpError(f"chunk stream {csid} begins with a type {form} header; type 0 must come first")
        if len(self._streams) >= self.max_chunk_streams:
            raise RtmpError(f"more than {self.max_chunk_streams} chunk streams")
        stream = self._streams[csid] = _ChunkStream(csid)
        return stream

    def _full_header(
        self, stream: _ChunkStream, form: int, data: bytes, start: int, body: int, end: int
    ) -> int:
        """Types 0, 1 and 2 (RTMP 5.3.1.2): a new message, some of it as in the last one."""
        if form == 2:
            field = int.from_bytes(data[start:body], "big")
            length, type_id = stream.length, stream.type_id
        else:
            field, length_and_type = _TWO_WORDS.unpack_from(data, start - 1)
            field &= 0xFFFFFF
            length, type_id = length_and_type >> 8, length_and_type & 0xFF
        extended = field == EXTENDED
        if extended:
            body += 4
            if body > end:
                return -1
            field = int.from_bytes(data[body - 4 : body], "big")
        if length > self.max_message_size:
            raise RtmpError(
                f"message of {length} bytes announced; at most {self.max_message_size} is accepted"
            )
        stream.is_absolute = form == 0
        stream.timestamp = field if form == 0 else (stream.timestamp + field) % _TIMESTAMPS
        # A type 3 header may repeat a type 0 header's time as a delta, but not one of more than four hours.
        stream.delta = 0 if extended and form == 0 else field
        stream.length = length
        stream.type_id = type_id
        if form == 0:
            stream.stream_id = _STREAM_ID.unpack_from(data, start + 7)[0]
        stream.continuation = stream.basic + data[body - 4 : body] if extended else stream.basic
        return body

    def _repeat_header(self, stream: _ChunkStream, data: bytes, body: int, end: int) -> int:
        """Type 3: the message goes on, or another one begins that is like the last."""
        if len(stream.continuation) == len(stream.basic):
            if stream.body is None:
                stream.timestamp = (stream.timestamp + stream.delta) % _TIMESTAMPS
            return body
        if body + 4 > end:
            return -1
        field = int.from_bytes(data[body : body + 4], "big")
        if stream.body is None:
            # Behind a type 0 header SRS and FFmpeg write the absolute time here, and a delta otherwise.
            stream.timestamp = field if stream.is_absolute else (stream.timestamp + field) % _TIMESTAMPS
        elif field != stream.timestamp and (stream.is_absolute or field != stream.delta):
            # This encoder does not repeat the extended timestamp: these are the payload's bytes.
            stream.continuation = stream.basic
            return body
        stream.continuation = stream.basic + data[body : body + 4]
        return body + 4

    def _read_payload(self, data: bytes, position: int, end: int, messages: list[Message]) -> int:
        """Take what ``data`` has of the current message from ``position`` on; the place behind it."""
        stream = self._current
        if stream is None:
            return position
        missing = stream.length if stream.body is None else stream.length - len(stream.body)
        if missing > self._left:
            return self._read_run(stream, missing, data, position, end, messages)
        stop = position + missing
        if stop > end:
            self._keep(stream, bytearray(memoryview(data)[position:]))
            self._left -= end - position
            return end
        self._current = None
        if stream.body is None:
            self._finish(stream, data[position:stop], messages)
        else:
            stream.body += memoryview(data)[position:stop]
            self._finish_unfinished(stream, missing, messages)
        return stop

    def _read_run(
        self,
        stream: _ChunkStream,
        missing: int,
        data: bytes,
        position: int,
        end: int,
        messages: list[Message],
    ) -> int:
        """Take the rest of this chunk, and all chunks of the message that follow it directly."""
        left, chunk_size, mark = self._left, self._chunk_size, stream.continuation
        overhead = len(mark)
        period = chunk_size + overhead
        chunks = -(-(missing - left) // chunk_size)
        second = position + left
        stop = position + missing + chunks * overhead
        if chunks > self._lookahead:
            chunks = self._lookahead
            stop = second + chunks * period
        if stop > end:
            stop = end
            cut = (stop - second) % period
            if stop > second and cut < overhead:
                stop -= cut  # Within a header: that waits for its remaining bytes.
        found = self._count_marks(mark, data, second, stop, period)
        if second + found * period < stop:
            stop = second + found * period
            self._lookahead = max(_MIN_LOOKAHEAD, 2 * found)
        elif found == self._lookahead:
            self._lookahead *= 2
        raw = bytearray(memoryview(data)[position:stop])
        for distance in range(period, chunk_size, -1):
            del raw[left::distance]
        self._after_run(stream, raw, missing, stop - second, period, messages)
        return stop

    @staticmethod
    def _count_marks(mark: bytes, data: bytes, second: int, stop: int, period: int) -> int:
        """How many chunks in a row, from ``second`` on, begin with ``mark``."""
        found = -1
        for offset in range(len(mark)):
            column = data[second + offset : stop : period]
            count = len(column) - len(column.lstrip(mark[offset : offset + 1]))
            found = count if found < 0 else min(found, count)
        return found

    def _after_run(
        self,
        stream: _ChunkStream,
        raw: bytearray,
        missing: int,
        beyond: int,
        period: int,
        messages: list[Message],
    ) -> None:
        """Account for a run that ended ``beyond`` bytes behind its first chunk."""
        missing -= len(raw)
        if not missing and stream.body is None:
            self._current = None
            self._finish(stream, bytes(raw), messages)
            return
        self._keep(stream, raw)
        if not missing:
            self._current = None
            self._finish_unfinished(stream, 0, messages)
            return
        rest = -beyond if beyond <= 0 else -beyond % period
        self._left = min(rest, missing)
        if not rest:
            self._current = None

    def _keep(self, stream: _ChunkStream, piece: bytearray) -> None:
        if stream.body is None:
            stream.body = piece
        else:
            stream.body += piece
        self._unfinished += len(piece)
        if self._unfinished > 2 * self.max_message_size:
            raise RtmpError(f"unfinished messages exceed {2 * self.max_message_size} bytes")

    def _finish_unfinished(self, stream: _ChunkStream, extra: int, messages: list[Message]) -> None:
        body = stream.body or b""
        stream.body = None
        self._unfinished -= len(body) - extra
        self._finish(stream, bytes(body), messages)

    def _finish(self, stream: _ChunkStream, payload: bytes, messages: list[Message]) -> None:
        type_id = stream.type_id
        if type_id == SET_CHUNK_SIZE:
            self.chunk_size = _uint32(payload, "Set Chunk Size")
        elif type_id == ABORT:
            self._abort(_uint32(payload, "Abort Message"))
        else:
            messages.append(_message(Message, (type_id, stream.timestamp, stream.stream_id, payload)))

    def _abort(self, csid: int) -> None:
        stream = self._streams.get(csid)
        if stream is not None and stream.body is not None:
            self._unfinished -= len(stream.body)
            stream.body = None


def _uint32(payload: bytes, what: str) -> int:
    if len(payload) < 4:
        raise RtmpError(f"{what} carries {len(payload)} bytes; it takes 4")
    return int.from_bytes(payload[:4], "big")
