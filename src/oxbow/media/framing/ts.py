"""Cuts a stream's FLV tags into MPEG-TS segments for HLS."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from oxbow.media.framing.ts_tracks import (
    AUDIO_TRACKS,
    MAX_AUDIO_UNIT,
    VIDEO_TRACKS,
    AnySlot,
    TrackSlot,
    VideoFormat,
)
from oxbow.media.framing.ts_writer import TsWriter
from oxbow.proto import flv
from oxbow.proto.errors import ProtocolError

MAX_SEGMENT_BYTES = 64 << 20
"""A segment is cut here whatever its duration: it is held in memory until it is complete."""

MAX_COMPOSITION_MS = 10_000
"""A larger composition offset is damage."""

EARLY = 0.05
"""A keyframe may come this part of the target too early: encoders' GOPs vary by a frame or two."""

_MAX_FRAME_MS = 1000
"""The last frame of a segment lasts as long as the one before it, but no longer than this."""

_WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment."""

    sequence: int
    duration: float
    """Seconds."""
    data: bytes
    discontinuity: bool
    """Time stamps or codecs do not go on from the segment before."""
    starts_with_keyframe: bool
    """Decoding can start here; always so without a picture."""
    program_date_time: float | None
    """Unix time in seconds of the first frame; None without an anchor."""


class SegmenterState(msgspec.Struct):
    """What another process needs to go on where this one ended."""

    next_sequence: int = 0
    continuity: dict[int, int] = msgspec.field(default_factory=dict)
    """By PID, the next continuity counter."""
    anchor: tuple[int, float] | None = None
    """A time stamp (ms) and the Unix time at which it was."""


@dataclass(slots=True)
class _Open:
    """The segment that is being written. Times in milliseconds."""

    start: int
    end: int
    first: bool
    """Of these tracks on this time line; later ones must have the same tracks."""
    discontinuity: bool
    starts_with_keyframe: bool


class TsSegmenter:
    """Feed it a stream's tags in order; it hands out segments that begin with tables and a keyframe.

    It needs the sequence headers before the frames. Tags that are damaged, or of a codec that MPEG-TS does
    not carry, are left out. A state with segments in it means that another segmenter wrote those; what lies
    between is unknown, so the first segment is marked as a discontinuity.
    """

    def __init__(
        self, target_seconds: float = 2.0, max_seconds: float = 10.0, state: SegmenterState | None = None
    ) -> None:
        self.state = state or SegmenterState()
        self.damaged = 0
        """Tags left out because their bytes made no sense."""
        self._target = round(target_seconds * 1000)
        self._max = round(max(max_seconds, target_seconds) * 1000)
        self._writer = TsWriter(self.state.continuity)
        self._video = TrackSlot(VIDEO_TRACKS)
        self._audio = TrackSlot(AUDIO_TRACKS)
        self._segment: _Open | None = None
        self._first = True
        self._discontinuity = self.state.next_sequence > 0
        self._now: int | None = None  # the last time stamp without its 32-bit wrap
        self._last_video: int | None = None
        self._finished: list[Segment] = []

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Names of the stream's codecs that MPEG-TS does not carry: the segments lack their tracks."""
        return tuple(name for name in (self._video.unsupported, self._audio.unsupported) if name)

    @property
    def codecs(self) -> tuple[str, ...]:
        """RFC 6381 strings of the tracks carried."""
        video, audio = self._video.track, self._audio.track
        return (*((video.format.codec,) if video else ()), *((audio.codec,) if audio else ()))

    @property
    def video_format(self) -> VideoFormat | None:
        """The picture's size and codec; None without a picture."""
        return None if self._video.track is None else self._video.track.format

    def anchor(self, timestamp: int, unix_seconds: float) -> None:
        """Say when `timestamp` was, once per publisher: a moving anchor would make players' clocks jump."""
        self.state.anchor = (timestamp, unix_seconds)

    def push(self, tag: flv.Tag) -> list[Segment]:
        """Take the next tag; returns the segments that it completes, mostly none."""
        try:
            if tag.type == flv.VIDEO:
                self._push_video(tag.timestamp, bytes(tag.payload))
            elif tag.type == flv.AUDIO:
                self._push_audio(tag.timestamp, bytes(tag.payload))
        except ProtocolError:
            self.damaged += 1
        finished, self._finished = self._finished, []
        return finished

    def discontinuity(self) -> Segment | None:
        """What follows does not continue what was: ends the open segment, and marks the next one."""
        segment = self._segment
        finished = None if segment is None else self._finish(segment, segment.end)
        self._start_over(discontinuity=self.state.next_sequence > 0)
        return finished

    def flush(self) -> Segment | None:
        """End the open segment. What is pushed afterwards begins anew at a keyframe, as a discontinuity."""
        return self.discontinuity()

    def _start_over(self, *, discontinuity: bool) -> None:
        self._segment = None
        self._first = True
        self._discontinuity = discontinuity
        self._now = self._last_video = None
        self._writer.reset(self._video.track, self._audio.track)

    def _push_video(self, timestamp: int, payload: bytes) -> None:
        kind = flv.video_kind(payload)
        if kind.is_multitrack:
            return  # further renditions; the default track comes in packets of its own
        if kind.is_sequence_header:
            self._configure(self._video, kind.codec, payload[kind.data_start :])
        elif kind.is_frame and (track := self._video.accept(kind.codec)):
            composition = flv.composition_time(payload, kind)
            if abs(composition) > MAX_COMPOSITION_MS:
                raise ProtocolError(f"composition offset of {composition} ms is absurd")
            unit = track.access_unit(payload, kind.data_start, keyframe=kind.is_keyframe)
            self._add_video(unit, timestamp, composition, keyframe=kind.is_keyframe)

    def _push_audio(self, timestamp: int, payload: bytes) -> None:
        kind = flv.audio_kind(payload)
        if kind.is_multitrack:
            return
        data = payload[kind.data_start :]
        if kind.is_sequence_header or (kind.codec == "mp3" != self._audio.codec and kind.is_frame):
            self._configure(self._audio, kind.codec, data)
        if kind.is_frame and (track := self._audio.accept(kind.codec)):
            unit, samples = track.unit(data)
            if len(unit) > MAX_AUDIO_UNIT:
                raise ProtocolError(f"sound frame of {len(unit)} bytes is absurd")
            self._add_audio(unit, samples, timestamp, track.sample_rate)

    def _configure(self, slot: AnySlot, codec: str, header: bytes) -> None:
        appears = slot.track is None
        if not slot.configure(codec, header):
            return
        segment, audio = self._segment, self._audio.track
        if not appears or segment is None or not segment.first:
            self._interrupt()
        # Players that see a first segment without a track never add it, so that segment must not come out.
        elif slot is self._audio and audio is not None:
            self._writer.add_audio(audio)
        else:
            self._start_over(discontinuity=segment.discontinuity)

    def _add_video(self, unit: bytes, timestamp: int, composition: int, *, keyframe: bool) -> None:
        at = self._advance(timestamp)
        segment = self._segment
        if segment is None:
            if not keyframe:
                return
            segment = self._begin(at, decodable=True)
        elif (keyframe and at - segment.start >= self._target * (1 - EARLY)) or self._is_overdue(segment, at):
            segment = self._cut(at, decodable=keyframe)
        self._writer.video(unit, at, composition, keyframe=keyframe)
        frame = 0 if self._last_video is None else min(at - self._last_video, _MAX_FRAME_MS)
        segment.end = max(segment.end, at + frame)
        self._last_video = at

    def _add_audio(self, unit: bytes, samples: int, timestamp: int, sample_rate: int) -> None:
        at = self._advance(timestamp)
        segment = self._segment
        alone = self._video.track is None
        if segment is None:
            if not alone:
                return  # a picture's first segment begins with the picture
            segment = self._begin(at, decodable=True)
        elif (alone and at - segment.start >= self._target) or self._is_overdue(segment, at):
            segment = self._cut(at, decodable=alone)
        self._writer.audio(unit, samples, at)
        segment.end = max(segment.end, at + samples * 1000 // sample_rate)

    def _advance(self, timestamp: int) -> int:
        """The time stamp in ms without its 32-bit wrap; a jump longer than any segment interrupts."""
        if self._now is not None:
            step = (timestamp - self._now + _WRAP // 2) % _WRAP - _WRAP // 2
            if abs(step) <= self._max:
                at = self._now + step
                self._now = max(self._now, at)
                return at
            self._interrupt()
        self._now = timestamp
        return timestamp

    def _is_overdue(self, segment: _Open, at: int) -> bool:
        return at - segment.start >= self._max or self._writer.size >= MAX_SEGMENT_BYTES

    def _interrupt(self) -> None:
        finished = self.discontinuity()
        if finished is not None:
            self._finished.append(finished)

    def _begin(self, at: int, *, decodable: bool) -> _Open:
        self._segment = segment = _Open(at, at, self._first, self._discontinuity, decodable)
        self._first = self._discontinuity = False
        self._writer.tables()
        return segment

    def _cut(self, at: int, *, decodable: bool) -> _Open:
        if self._segment is not None:
            self._finished.append(self._finish(self._segment, at))
        return self._begin(at, decodable=decodable)

    def _finish(self, segment: _Open, end: int) -> Segment:
        finished = Segment(
            sequence=self.state.next_sequence,
            duration=max(end - segment.start, 1) / 1000,
            data=self._writer.take(),
            discontinuity=segment.discontinuity,
            starts_with_keyframe=segment.starts_with_keyframe,
            program_date_time=self._date_time(segment.start),
        )
        self._segment = None
        self.state.next_sequence += 1
        self.state.continuity = self._writer.continuity
        return finished

    def _date_time(self, at: int) -> float | None:
        if self.state.anchor is None:
            return None
        timestamp, unix_seconds = self.state.anchor
        return unix_seconds + ((at - timestamp + _WRAP // 2) % _WRAP - _WRAP // 2) / 1000
