"""One continuous time line for a stream, whatever its publishers' clocks do.

Publishers start at any time stamp, wrap at 2**32 ms, jump when a device sleeps, and begin at zero again when
they come back. Viewers hold one connection through all of that, so the log carries time stamps of its own:
equal to the publisher's plus an offset that changes only where the publisher's clock jumps.
"""

WRAP = 1 << 32
_HALF = WRAP >> 1


class Timeline:
    """Maps a publisher's 32-bit millisecond time stamps to the log's, which never go back within a track."""

    __slots__ = ("_at", "_first", "_jump", "_last_in", "_tracks", "jumps", "last")

    def __init__(self, last: int = -1, jump_ms: int = 3000) -> None:
        """`last`: the largest time stamp that the log has, -1 for a new log. `jump_ms`: a step larger than
        this, in either direction, is a jump of the publisher's clock and not a gap in its media."""
        self.last = last
        self.jumps = 0
        self._first = last + 1  # an earlier publisher's tracks may all reach up to `last`
        self._jump = jump_ms
        self._last_in: int | None = None  # the publisher's largest time stamp since its clock last jumped ...
        self._at = self._first  # ... and the log's time stamp for it
        self._tracks: dict[int, int] = {}

    def map(self, track: int, timestamp: int) -> int:
        """The log's time stamp for a message of `track` (its RTMP type id) that carries `timestamp`."""
        if self._last_in is None:
            self._last_in = timestamp
        step = timestamp - self._last_in
        if not -self._jump <= step <= self._jump:
            step = self._unusual(step)
        if step <= 0:
            # Sound and picture are interleaved loosely: slightly late is not a jump. Within a track it may
            # not go back.
            mapped = self._at + step
            floor = self._tracks.get(track, self._first)
            if mapped < floor:
                mapped = floor
        else:
            self._last_in = timestamp
            self._at = mapped = self._at + step
        if mapped > self.last:
            self.last = mapped
        self._tracks[track] = mapped
        return mapped

    def _unusual(self, step: int) -> int:
        """A large step: the short way round the 32-bit circle tells a wrap from a jump.

        After a jump the log goes on right behind what it has, so that players see no hole.
        """
        step = (step + _HALF) % WRAP - _HALF
        if -self._jump <= step <= self._jump:
            return step
        self.jumps += 1
        return self.last + 1 - self._at
