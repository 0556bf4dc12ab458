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
    video_bytes: int = 0
    audio_bytes: int = 0
    data_bytes: int = 0
    video_frames: int = 0
    audio_frames: int = 0
    data_frames: int = 0


class Probe:
    """Counts what is appended to one stream."""

    __slots__ = ("_avg_gop_ms", "_gops", "_last_key", "_max_gop_ms", "_seconds", "_started", "now")

    def __init__(self) -> None:
        self.now = _Counts()
        """The running second's counts; the writer adds to them directly, since it is called for every
        frame."""
        self._seconds: deque[tuple[float, int, int, int, int, int, int]] = deque(maxlen=RATE_WINDOW_SECONDS)
        """How long each was, and its counts in the order of _Counts."""
        self._started: float | None = None
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
        """Close the running second; to be called about once a second with a monotonic clock in seconds."""
        if self._started is not None and now > self._started:
            counts = self.now
            self._seconds.append(
                (
                    now - self._started,
                    counts.video_bytes,
                    counts.audio_bytes,
                    counts.data_bytes,
                    counts.video_frames,
                    counts.audio_frames,
                    counts.data_frames,
                )
            )
        self._started = now
        self.now = _Counts()

    def reading(self) -> Reading:
        """The figures of the last RATE_WINDOW_SECONDS whole seconds."""
        gops = self._max_gop_ms, self._avg_gop_ms
        if not self._seconds:
            return Reading(0, 0, 0, 0, 0, 0, *gops)
        # Column by column, without a loop of our own: it is asked of each stream each second.
        span, *totals = map(sum, zip(*self._seconds, strict=True))
        video_bytes, audio_bytes, data_bytes, video_frames, audio_frames, data_frames = totals
        bits = 8 / span
        video, audio, data = round(video_bytes * bits), round(audio_bytes * bits), round(data_bytes * bits)
        return Reading(
            video + audio + data,
            video,
            audio,
            round(video_frames / span),
            round(audio_frames / span),
            round(data_frames / span),
            *gops,
        )
