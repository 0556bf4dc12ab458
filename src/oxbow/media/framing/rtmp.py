"""The log once more in RTMP chunk framing, so that every RTMP player of a stream is served the same bytes."""

import time
from pathlib import Path

from oxbow.media.log import LogFullError, LogReader, LogWriter, Retention
from oxbow.media.names import RTMP_LOG
from oxbow.media.page import State
from oxbow.media.tags import TagCursor
from oxbow.proto import flv
from oxbow.proto.rtmp.chunks import OUT_CHUNK_SIZE, Message, encode_message

PLAY_STREAM_ID = 1
"""The message stream id that every player gets from createStream: the shared bytes carry it."""

CATCH_UP_MS = 5000
"""A run that comes so much media after the last one, or less, leaves no gap: a publisher that was away and is
back may have changed its setup, and the players that waited for it need to be told."""

CSID = {flv.AUDIO: 4, flv.SCRIPT: 5, flv.VIDEO: 6}


def frame(tag: flv.Tag) -> bytes:
    """One FLV tag as an RTMP message with a full (type 0) header, readable without any that came before."""
    message = Message(tag.type, tag.timestamp, PLAY_STREAM_ID, bytes(tag.payload))
    return encode_message(message, csid=CSID[tag.type], chunk_size=OUT_CHUNK_SIZE)


def message_size(header: bytes) -> int:
    """The size on the wire of the message that begins with `header` (at least 12 bytes), as `frame` writes
    it."""
    length = int.from_bytes(header[4:7], "big")
    extended = 4 if header[1:4] == b"\xff\xff\xff" else 0
    continuations = max(0, length - 1) // OUT_CHUNK_SIZE
    return 12 + extended + length + continuations * (1 + extended)


class RtmpFramer:
    """A cursor on the FLV log that writes the RTMP log."""

    def __init__(self, source: LogReader, directory: Path, retention: Retention) -> None:
        self._source = source
        self._log = LogWriter(directory, RTMP_LOG, retention)
        self._cursor = TagCursor(source, self._first_offset())
        self._head_version = -1
        self._needs_key = False
        """Something was lost: nothing can be decoded before the next key point."""
        self._log.page.epoch += 1
        self._log.page.state = State.LIVE

    def _first_offset(self) -> int:
        """Go on where an earlier run ended, for its viewers may be here still; else begin at the last key
        point."""
        page, done = self._source.page, self._log.page.source
        missed = page.timestamp - self._log.page.timestamp
        if done and done >= page.start and missed <= CATCH_UP_MS:
            return min(done, page.end)
        key = page.last_key()
        begin = key.offset if key is not None else page.end
        # Offsets go on growing: bytes of the earlier run may be on their way to viewers.
        self._log.forget()
        return begin

    def advance(self) -> None:
        """Frame what the source has got since the last call."""
        page, cursor = self._source.page, self._cursor
        if cursor.position >= page.end:
            return
        # The source's key points, and not its tags, know times beyond 32 bits.
        known = {key.offset: key.timestamp for key in page.key_points() if key.offset >= cursor.position}
        pieces: list[bytes] = []
        keys: list[tuple[int, int]] = []
        size, offset = 0, cursor.position
        for tag in cursor.tags():
            if offset in known:
                self._needs_key = False
                keys.append((size, known[offset]))
            if not self._needs_key:
                pieces.append(frame(tag))
                size += len(pieces[-1])
            offset = cursor.position
        self._append(pieces, keys)
        self._log.page.source = cursor.position

    def _append(self, pieces: list[bytes], keys: list[tuple[int, int]]) -> None:
        try:
            self._refresh_head()
            self._log.append(pieces, keys, self._source.page.timestamp)
        except (LogFullError, OSError):
            # Viewers miss what was to be appended here; they go on at the next key point that fits.
            self._needs_key = True
            self._log.shrink()

    def _refresh_head(self) -> None:
        version = self._source.page.head_version
        if version != self._head_version:
            self._log.page.set_head(self._source.page.head())
            self._head_version = version

    def second(self) -> None:
        """About once a second: give back what is no longer retained."""
        self._log.retain()

    def close(self) -> None:
        """Stop framing; viewers that are still there wait for the next run."""
        self._log.page.idle_since = time.monotonic_ns()
        self._log.page.state = State.IDLE
        self._log.close()
        self._source.close()
