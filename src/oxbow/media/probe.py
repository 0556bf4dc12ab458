"""What a stream looks like, second by second: bit rate, frame rates, GOP lengths. Counted at the log, once
per stream."""

from collections import deque
from dataclasses import dataclass

RATE_WINDOW_SECONDS = 5
GOP_WINDOW_MS = 30_000


@dataclass(frozen=True, slots=True)
class Reading:
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

    __slots__ = ("_gops", "_last_key", "_seconds", "_started", "now")

    def __init__(self) -> None:
        self.now = _Counts()
        """The running second's counts; the writer adds to them directly, since it is called for every
        frame."""
        self._seconds: deque[tuple[float, _Counts]] = deque(maxlen=RATE_WINDOW_SECONDS)
        self._started: float | None = None
        self._gops: deque[tuple[int, int]] = deque()
        self._last_key: int | None = None

    def keyframe(self, timestamp: int) -> None:
        """A video keyframe at `timestamp` (ms, log time) was appended."""
        if self._last_key is not None:
            self._gops.append((timestamp, timestamp - self._last_key))
            while self._gops and self._gops[0][0] < timestamp - GOP_WINDOW_MS:
                self._gops.popleft()
        self._last_key = timestamp

    def second(self, now: float) -> None:
        """Close the running second; to be called about once a second with a monotonic clock in seconds."""
        if self._started is not None and now > self._started:
            self._seconds.append((now - self._started, self.now))
        self._started = now
        self.now = _Counts()

    def reading(self) -> Reading:
        """The figures of the last RATE_WINDOW_SECONDS whole seconds."""
        span = sum([seconds for seconds, _ in self._seconds])
        if span <= 0:
            return Reading()

        total = _Counts()
        for (
            _,
            counts,
        ) in self._seconds:  # written out: it is asked of each stream each second
            total.video_bytes += counts.video_bytes
            total.audio_bytes += counts.audio_bytes
            total.data_bytes += counts.data_bytes
            total.video_frames += counts.video_frames
            total.audio_frames += counts.audio_frames
            total.data_frames += counts.data_frames
        bits = 8 / span
        video, audio = round(total.video_bytes * bits), round(total.audio_bytes * bits)
        data = round(total.data_bytes * bits)
        gops = [length for _, length in self._gops]
        return Reading(
            bps=video + audio + data,
            video_bps=video,
            audio_bps=audio,
            video_fps=round(total.video_frames / span),
            audio_fps=round(total.audio_frames / span),
            data_fps=round(total.data_frames / span),
            max_gop_ms=max(gops, default=0),
            avg_gop_ms=sum(gops) // len(gops) if gops else 0,
        )
