"""What a stream looks like, second by second: bit rate, frame rates, GOP lengths. Counted at the log, once
per stream."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

RATE_WINDOW_SECONDS = 5
GOP_WINDOW_MS = 30_000


class Reading(NamedTuple):
    """A stream's figures over the last few seconds."""

    bps: int = 0
    """Bits per second of sound, picture and data together."""
    video_bps: int = 0
    audio_bps: int = 0
    video_fps: int = 0
    """Coded pictures per second, rounded."""
    audio_fps: int = 0
    data_fps: int = 0
    max_gop_ms: int = 0
    """The longest GOP that ended within the last 30 seconds of media."""
    avg_gop_ms: int = 0


@dataclass(slots=True)
class _Counts:
    """Since the beginning."""

    video_bytes: int = 0
    audio_bytes: int = 0
    data_bytes: int = 0
    video_frames: int = 0
    audio_frames: int = 0
    data_frames: int = 0


class _Mark(NamedTuple):
    """A time, and the counts then."""

    at: float
    video_bytes: int
    audio_bytes: int
    data_bytes: int
    video_frames: int
    audio_frames: int
    data_frames: int


class Probe:
    """Counts what is appended to one stream."""

    __slots__ = ("_avg_gop_ms", "_gops", "_last_key", "_max_gop_ms", "_seconds", "counts")

    def __init__(self) -> None:
        self.counts = _Counts()
        """The writer adds to them directly, since it is called for every frame."""
        self._seconds: deque[_Mark] = deque(maxlen=RATE_WINDOW_SECONDS + 1)
        """Where the counts stood at the beginning of each of the last seconds, and at the end of the last."""
        self._gops: deque[tuple[int, int]] = deque()
        self._max_gop_ms = self._avg_gop_ms = 0
        self._last_key: int | None = None

    def keyframe(self, timestamp: int) -> None:
        """A video keyframe at `timestamp` (ms, log time) was appended."""
        if self._last_key is not None:
            self._gops.append((timestamp, timestamp - self._last_key))
            while self._gops and self._gops[0][0] < timestamp - GOP_WINDOW_MS:
                self._gops.popleft()
            lengths = [length for _, length in self._gops]
            self._max_gop_ms, self._avg_gop_ms = max(lengths), sum(lengths) // len(lengths)
        self._last_key = timestamp

    def second(self, now: float) -> None:
        """A second is over; to be called about once a second with a monotonic clock in seconds."""
        counts = self.counts
        if not self._seconds or now > self._seconds[-1].at:
            self._seconds.append(
                _Mark(
                    now,
                    counts.video_bytes,
                    counts.audio_bytes,
                    counts.data_bytes,
                    counts.video_frames,
                    counts.audio_frames,
                    counts.data_frames,
                )
            )

    def reading(self) -> Reading:
        """The figures of the last RATE_WINDOW_SECONDS whole seconds."""
        gops = self._max_gop_ms, self._avg_gop_ms
        if len(self._seconds) < 2:
            return Reading(0, 0, 0, 0, 0, 0, *gops)
        first, last = self._seconds[0], self._seconds[-1]
        span = last.at - first.at
        bits = 8 / span
        video = round((last.video_bytes - first.video_bytes) * bits)
        audio = round((last.audio_bytes - first.audio_bytes) * bits)
        data = round((last.data_bytes - first.data_bytes) * bits)
        return Reading(
            video + audio + data,
            video,
            audio,
            round((last.video_frames - first.video_frames) / span),
            round((last.audio_frames - first.audio_frames) / span),
            round((last.data_frames - first.data_frames) / span),
            *gops,
        )
