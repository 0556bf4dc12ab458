"""Which segments an HLS playlist lists: the sliding window, kept as index.json beside the segments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

import msgspec

from oxbow.media.framing.ts import Segment, SegmenterState, TsSegmenter
from oxbow.proto import hls
from oxbow.proto.errors import ProtocolError

PLAYLIST_SEGMENTS = 6
SPARE_SEGMENTS = 4
"""Kept behind the playlist for players that fetch late."""

_LEAST_TARGETS = 3
"""A playlist holds media of at least this many target durations (RFC 8216, 6.2.2)."""

_MOST_LENGTHS = 4
"""But not more segments than its length times this: a publisher may change its codec at every frame."""


def segment_name(sequence: int) -> str:
    """The file name, and the last part of the URI, of a segment."""
    return f"{sequence}.ts"


def iso_date_time(unix_seconds: float | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as EXT-X-PROGRAM-DATE-TIME wants it."""
    if unix_seconds is None:
        return None
    stamp = datetime.fromtimestamp(round(unix_seconds, 3), UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


class WindowEntry(msgspec.Struct, frozen=True):
    """What is remembered of a segment."""

    sequence: int
    duration: float
    size: int
    discontinuity: bool
    discontinuity_sequence: int
    """Discontinuities up to and with this segment."""
    program_date_time: float | None


class HlsWindow(msgspec.Struct):
    """The last segments of a stream: `add` what the segmenter hands out, `render` in any process."""

    length: int = PLAYLIST_SEGMENTS
    spare: int = SPARE_SEGMENTS
    entries: list[WindowEntry] = msgspec.field(default_factory=list)
    """Listed segments and, in front of them, the spare ones; oldest first."""
    first: int = 0
    """Sequence number of the first listed segment. It never goes back."""
    target_duration: int = 1
    """Seconds. It grows with a longer segment and never shrinks."""
    discontinuities: int = 0
    ended: bool = False
    codecs: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    frame_rate: float | None = None
    position: int = 0
    """Offset in the stream's log up to which it is cut into segments."""
    segmenter: SegmenterState = msgspec.field(default_factory=SegmenterState)
    """As of the last segment added, for the process that goes on writing."""

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read index.json; raises ProtocolError when it is damaged."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ProtocolError(f"HLS index is damaged: {error}") from error

    def to_json(self) -> bytes:
        return msgspec.json.encode(self)

    @property
    def listed(self) -> list[WindowEntry]:
        """The segments in the playlist."""
        return [entry for entry in self.entries if entry.sequence >= self.first]

    def add(self, segment: Segment) -> list[int]:
        """List a new segment; returns the sequence numbers of those that may be deleted now."""
        if self.entries and segment.sequence != self.entries[-1].sequence + 1:
            raise ProtocolError(f"segment {segment.sequence} does not follow {self.entries[-1].sequence}")
        self.discontinuities += segment.discontinuity
        self.entries.append(
            WindowEntry(
                sequence=segment.sequence,
                duration=segment.duration,
                size=len(segment.data),
                discontinuity=segment.discontinuity,
                discontinuity_sequence=self.discontinuities,
                program_date_time=segment.program_date_time,
            )
        )
        self.ended = False
        self.target_duration = max(self.target_duration, hls.round_duration(segment.duration))
        self._slide()
        return self._evict()

    def _slide(self) -> None:
        listed = self.listed
        remaining = sum(entry.duration for entry in listed)
        while len(listed) > self.length:
            remaining -= listed[0].duration
            if (
                remaining < _LEAST_TARGETS * self.target_duration
                and len(listed) <= self.length * _MOST_LENGTHS
            ):
                break
            del listed[0]
        self.first = listed[0].sequence

    def _evict(self) -> list[int]:
        gone = [entry.sequence for entry in self.entries if entry.sequence < self.first - self.spare]
        del self.entries[: len(gone)]
        return gone

    def restart(self) -> list[int]:
        """Begin a new list behind all that was listed, and count on; returns what may be deleted now."""
        gone = [entry.sequence for entry in self.entries]
        self.entries = []
        return gone

    def describe(self, segmenter: TsSegmenter) -> None:
        """Take over the segmenter's state and what it knows of the tracks; call it after each `add`."""
        self.segmenter = segmenter.state
        self.codecs = segmenter.codecs
        picture = segmenter.video_format
        self.width, self.height = (picture.width, picture.height) if picture else (0, 0)
        self.frame_rate = picture.frame_rate if picture else None

    def playlist(self, prefix: str = "") -> hls.MediaPlaylist:
        """The media playlist; `prefix` stands in front of each segment's name."""
        listed = self.listed
        segments = tuple(
            hls.MediaSegment(
                uri=prefix + segment_name(entry.sequence),
                duration=entry.duration,
                discontinuity=entry.discontinuity,
                program_date_time=iso_date_time(entry.program_date_time),
            )
            for entry in listed
        )
        # The tag in front of the first segment is still in the playlist, so it has not fallen out yet.
        fallen_out = listed[0].discontinuity_sequence - listed[0].discontinuity if listed else 0
        return hls.MediaPlaylist(self.target_duration, self.first, fallen_out, segments, self.ended)

    def render(self, query: str = "", prefix: str = "") -> str:
        """The media playlist's text; `query`, without "?", is appended to each segment's URI."""
        return hls.render_media(self.playlist(prefix), query)

    def variant(self, uri: str) -> hls.Variant:
        """The stream as a master playlist's only rendition."""
        # Short remainders do not count: RFC 8216, 4.1, measures peaks over half a target duration and more.
        typical = [entry for entry in self.entries if entry.duration >= self.target_duration / 2]
        rates = [entry.size * 8 / entry.duration for entry in typical or self.entries]
        return hls.Variant(
            uri=uri,
            bandwidth=round(max(rates, default=1)),
            average_bandwidth=round(sum(rates) / len(rates)) if rates else None,
            codecs=self.codecs,
            resolution=(self.width, self.height) if self.width else None,
            frame_rate=self.frame_rate,
        )
