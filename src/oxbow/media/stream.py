"""A live stream's directory in shared memory: its one writer, and what readers see of it.

The writer turns a publisher's messages into FLV tags on one continuous time line, appends them once per
tick, and runs the other framings as cursors on its own log while somebody wants them.
"""

import contextlib
import fcntl
import os
import shutil
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from oxbow.media.framing.hls import HlsFramer, HlsOptions
from oxbow.media.framing.rtmp import RtmpFramer
from oxbow.media.log import LogFullError, LogReader, LogWriter, Retention
from oxbow.media.names import FLV_LOG, HLS_DIRECTORY
from oxbow.media.page import State
from oxbow.media.parameters import MediaParameters
from oxbow.media.probe import Probe
from oxbow.media.timeline import Timeline
from oxbow.media.tracks import Tracks
from oxbow.proto import flv
from oxbow.proto.rtmp.chunks import Message

DEMAND_NS = 10_000_000_000
"""How long one request for a framing keeps it running; readers renew it about once a second."""

AUDIO_KEY_MS = 1000
"""A stream without picture can be joined once a second."""
VIDEO_EXPECTED_MS = 2000
"""So much sound without any picture, and the stream counts as sound only."""
PICTURE_PATIENCE_MS = 10_000
"""So long sound waits for the first keyframe of a picture that was announced."""

# The size of the tag before; then type and size, time stamp (low 24 bits, the high 8), stream id 0 in 3
# bytes.
_pack_between = struct.Struct(">III3x").pack
_pack_size = struct.Struct(">I").pack
_VIDEO = flv.VIDEO
_LEFT_OUT = -1
_PLAIN_LIMIT = 64
_ON_METADATA = b"\x02\x00\x0aonMetaData"


class StreamBusyError(Exception):
    """Another process is writing this stream's log."""


class Framing(Protocol):
    """A cursor on the log that writes the stream in another format."""

    def advance(self) -> None: ...
    def second(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a stream's log is kept."""

    retention: Retention = field(default_factory=Retention)
    grace_seconds: float = 10.0
    hls: HlsOptions = field(default_factory=HlsOptions)


class StreamWriter:
    """Writes one stream. Made by the process that holds the publisher; StreamBusyError if another one
    does."""

    def __init__(self, directory: Path, options: StreamOptions) -> None:
        self._directory = directory
        self._options = options
        self._log = _lock_log(directory, options.retention)
        self.probe = Probe()
        self.dropped_bytes = 0
        """Bytes of the publisher that shared memory had no room for."""
        self._tracks = Tracks(self._log.page.head())
        self._framings: dict[str, Framing] = {}
        self._plain: set[tuple[int, bytes]] = set()
        """Message type and first two bytes of the frames that need nothing but a time stamp."""
        self._admit: dict[int, Callable[[bytes, int, int], tuple[int, bool]]] = {
            flv.VIDEO: self._admit_video,
            flv.AUDIO: self._admit_audio,
            flv.SCRIPT: self._admit_data,
        }
        self._begin()

    def _begin(self) -> None:
        page = self._log.page
        self.resumed = page.epoch > 0
        self._timeline = Timeline(page.timestamp if page.end else -1)
        self._needs_key = True
        self._first = self._timeline.last + 1
        self._last_sound_key = self._first - AUDIO_KEY_MS
        page.epoch += 1
        page.grace_ns = int(self._options.grace_seconds * 1e9)
        page.state = State.LIVE

    @property
    def parameters(self) -> MediaParameters:
        """What the publisher's sequence headers say."""
        return self._tracks.parameters

    def write(self, messages: Iterable[Message]) -> None:
        """Append a publisher's media messages (types 8, 9 and 18); everything else is left out.

        One call per tick: the messages become visible to the readers together.
        """
        batch = _Batch()
        pieces, plain, map_time = batch.pieces, self._plain, self._timeline.map
        size, previous, video_bytes, video_frames, audio_bytes, audio_frames = 0, 0, 0, 0, 0, 0
        for type_id, timestamp, _, payload in messages:
            length = len(payload)
            if (type_id, payload[:2]) in plain:
                # Nearly every message of every publisher is a frame like the one before it: this branch is
                # what a server with a hundred publishers does all day.
                at = map_time(type_id, timestamp)
                if type_id == _VIDEO:
                    video_frames += 1
                    video_bytes += length
                else:
                    audio_frames += 1
                    audio_bytes += length
            else:
                at = self._admit_message(type_id, timestamp, payload, size, batch)
                if at < 0:
                    continue
            # One piece holds the end of the tag before and the header of this one.
            word = at << 8 if at < 0x1000000 else (at & 0xFFFFFF) << 8 | at >> 24 & 0xFF
            pieces += (_pack_between(previous, type_id << 24 | length, word), payload)
            previous = 11 + length
            size += 15 + length
        counts = self.probe.counts
        counts.video_frames += video_frames
        counts.video_bytes += video_bytes
        counts.audio_frames += audio_frames
        counts.audio_bytes += audio_bytes
        if pieces:
            pieces[0] = pieces[0][4:]
            pieces.append(_pack_size(previous))
            self._append(pieces, batch.keys, size)

    def _admit_message(
        self, type_id: int, timestamp: int, payload: bytes, offset: int, batch: "_Batch"
    ) -> int:
        """A message that is no plain frame: its log time, or _LEFT_OUT."""
        admit = self._admit.get(type_id)
        if admit is None or not payload:
            return _LEFT_OUT
        at, is_key = admit(payload, len(payload), timestamp)
        if is_key:
            batch.keys.append((offset, at))
        return at

    def _learn_plain(self, type_id: int, payload: bytes) -> None:
        """Frames that begin like this one need no look from now on, until something is lost."""
        if not self._needs_key and len(payload) > 1 and len(self._plain) < _PLAIN_LIMIT:
            self._plain.add((type_id, payload[:2]))

    def _admit_video(self, payload: bytes, length: int, timestamp: int) -> tuple[int, bool]:
        self.probe.counts.video_bytes += length
        kind = flv.video_kind(payload)
        if kind.is_sequence_header:
            return self._admit_setup(flv.VIDEO, kind.track, payload, timestamp)
        self.probe.counts.video_frames += 1
        self._tracks.saw_video(payload)
        at = self._timeline.map(flv.VIDEO, timestamp)
        if kind.is_keyframe:
            self._needs_key = False
            self.probe.keyframe(at)
            return at, True
        if kind.is_frame and not kind.is_multitrack:
            self._learn_plain(flv.VIDEO, payload)
        return (_LEFT_OUT if self._needs_key else at), False

    def _admit_audio(self, payload: bytes, length: int, timestamp: int) -> tuple[int, bool]:
        self.probe.counts.audio_bytes += length
        kind = flv.audio_kind(payload)
        if kind.is_sequence_header:
            return self._admit_setup(flv.AUDIO, kind.track, payload, timestamp)
        self.probe.counts.audio_frames += 1
        self._tracks.saw_audio(payload)
        if kind.is_frame and not kind.is_multitrack:
            self._learn_plain(flv.AUDIO, payload)
        at = self._timeline.map(flv.AUDIO, timestamp)
        return self._admit_sound_alone(at) if self._needs_key else (at, False)

    def _admit_sound_alone(self, at: int) -> tuple[int, bool]:
        """Sound before any keyframe: it waits for an announced picture; without one it is the stream."""
        waited = at - self._first
        if self._tracks.video:
            return (at if waited > PICTURE_PATIENCE_MS else _LEFT_OUT), False
        if waited < VIDEO_EXPECTED_MS or at - self._last_sound_key < AUDIO_KEY_MS:
            return at, False
        self._last_sound_key = at
        return at, True

    def _admit_data(self, payload: bytes, length: int, timestamp: int) -> tuple[int, bool]:
        self.probe.counts.data_bytes += length
        self.probe.counts.data_frames += 1
        if payload.startswith(_ON_METADATA) and not self._tracks.replace(flv.SCRIPT, 0, payload):
            return _LEFT_OUT, False
        return max(self._timeline.last, 0), False

    def _admit_setup(self, kind: int, track: int, payload: bytes, timestamp: int) -> tuple[int, bool]:
        """A sequence header: viewers get a changed one in the stream, and a repeated one not at all."""
        if not self._tracks.replace(kind, track, payload):
            return _LEFT_OUT, False
        return self._timeline.map(kind, timestamp), False

    def _append(self, pieces: list[bytes], keys: list[tuple[int, int]], size: int) -> None:
        try:
            if self._tracks.changed:
                self._log.page.set_head(self._tracks.head())
                self._tracks.changed = False
            self._log.append(pieces, keys, max(self._timeline.last, 0))
        except (LogFullError, OSError):
            # Without room for these frames the following ones can't be decoded: go on at the next keyframe.
            self.dropped_bytes += size
            self._needs_key = True
            self._plain.clear()
            self._log.shrink()

    def is_watched(self) -> bool:
        """Whether any process on the machine has viewers of this stream."""
        return self._log.page.demand > time.monotonic_ns()

    def run_framings(self) -> None:
        """Bring every wanted framing up to the end of the log; to be called once per tick, after `write`."""
        page = self._log.page
        now = time.monotonic_ns()
        if page.demand_rtmp > now or page.demand_hls > now or self._framings:
            self._want("rtmp", page.demand_rtmp > now)
            self._want("hls", page.demand_hls > now)
            for framing in self._framings.values():
                framing.advance()

    def _want(self, name: str, wanted: bool) -> None:
        if wanted and name not in self._framings:
            # A full shared memory has no room for it, or the directory was removed from outside: viewers of
            # this framing wait, and the next tick tries again.
            with contextlib.suppress(OSError):
                self._framings[name] = self._start_framing(name)
        elif not wanted and name in self._framings:
            self._framings.pop(name).close()

    def _start_framing(self, name: str) -> Framing:
        source = LogReader.open(self._directory, FLV_LOG)
        if source is None:
            raise FileNotFoundError(self._directory)
        try:
            if name == "rtmp":
                return RtmpFramer(source, self._directory, self._options.retention)
            return HlsFramer(source, self._directory / HLS_DIRECTORY, self._options.hls)
        except BaseException:
            source.close()
            raise

    def second(self) -> None:
        """Housekeeping, about once a second: retention, rates."""
        self._log.retain()
        self.probe.second(time.monotonic())
        for framing in self._framings.values():
            framing.second()

    def leave(self) -> None:
        """The publisher left: the log waits for it, or for another worker's writer, until the grace time is
        over."""
        for framing in self._framings.values():
            framing.close()
        self._framings.clear()
        self._log.page.idle_since = time.monotonic_ns()
        self._log.page.state = State.IDLE
        self._log.close()  # the lock goes with the descriptor


@dataclass(slots=True)
class _Batch:
    """What one call of `write` appends."""

    pieces: list[bytes] = field(default_factory=list)
    keys: list[tuple[int, int]] = field(default_factory=list)
    """(offset from the batch's beginning, log time) of each place where a viewer can begin."""


def _lock_log(directory: Path, retention: Retention) -> LogWriter:
    """Open the stream's log and lock it. The directory may be expired by another process at this very
    moment: a lock on files that are no longer there is worth nothing, so the path is compared after locking.
    A stream that has ended is not gone on with: its readers were told, and the new one is another."""
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            log = LogWriter(directory, FLV_LOG, retention)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(log.page.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if log.page.state == State.ENDED:
                remove_directory(directory)
            elif is_at(log.page.fd, directory / f"{FLV_LOG}.page"):
                return log
        except BlockingIOError:
            log.close()
            raise StreamBusyError(str(directory)) from None
        log.close()


def is_at(fd: int, path: Path) -> bool:
    """Whether the open file `fd` is the one that `path` names now."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def lock_abandoned(directory: Path) -> int | None:
    """Take the writer's lock of a stream that nobody writes now; None if somebody does, or it is gone."""
    try:
        fd = os.open(directory / f"{FLV_LOG}.page", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def remove_directory(directory: Path) -> None:
    """Remove a stream's directory; readers that have it open keep what they have."""
    shutil.rmtree(directory, ignore_errors=True)
