"""Packs sound frames into larger PES packets and evens out the millisecond rounding of their time stamps."""

from __future__ import annotations

from oxbow.proto.mpegts import CLOCK_RATE

BATCH_TICKS = CLOCK_RATE // 10
"""Sound is collected for up to 100 ms: a PES packet per AAC frame would spend a quarter of it on headers."""

_MAX_BATCH_BYTES = 32_000
"""Half of what the 16-bit PES length can say."""

_JITTER_TICKS = CLOCK_RATE // 200
"""A time stamp this close to where the samples before it end (5 ms) is taken for rounded, not for a gap."""


class AudioBatch:
    """Collects frames; hands out (pts, payload) when a batch is full or the next frame does not adjoin."""

    __slots__ = ("_anchor", "_pts", "_rate", "_samples", "_size", "_units")

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._anchor: int | None = None  # 90 kHz time of the first of _samples adjoining samples
        self._samples = 0
        self._pts = 0
        self._size = 0
        self._units: list[bytes] = []

    @property
    def end(self) -> int:
        """Where the last frame ends, in ticks; only meaningful after a frame."""
        return (self._anchor or 0) + self._samples * CLOCK_RATE // self._rate

    def add(self, pts: int, unit: bytes, samples: int) -> list[tuple[int, bytes]]:
        """Take a frame; returns the batches that are finished by it, at most two."""
        done: list[tuple[int, bytes]] = []
        if self._anchor is None or abs(pts - self.end) > _JITTER_TICKS:
            done += self.flush()
            self._anchor, self._samples = pts, 0
        if not self._units:
            self._pts = self.end
        self._units.append(unit)
        self._size += len(unit)
        self._samples += samples
        if self.end - self._pts >= BATCH_TICKS or self._size >= _MAX_BATCH_BYTES:
            done += self.flush()
        return done

    def flush(self) -> list[tuple[int, bytes]]:
        """The unfinished batch, if there is one."""
        if not self._units:
            return []
        batch = (self._pts, b"".join(self._units))
        self._units, self._size = [], 0
        return [batch]
