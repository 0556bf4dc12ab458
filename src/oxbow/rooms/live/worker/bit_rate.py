"""How much a publisher may send."""

from dataclasses import dataclass

BIT_RATE_TOO_HIGH = "bit_rate_too_high"
TOLERANCE_SECONDS = 10
"""A publisher may exceed the limit for so long: a burst of motion, or what waited in a bad network."""


@dataclass(slots=True)
class BitRateLimit:
    """Of one publisher; to be asked once a second."""

    kbps: int
    """Kilobits (1000 bits) per second; 0 for any number."""
    over: int = 0
    """For how many seconds in a row it has sent more."""

    @property
    def active(self) -> bool:
        return self.kbps > 0

    def is_exceeded(self, bps: int) -> bool:
        """Whether it has sent too much for too long, given the mean of the last seconds."""
        self.over = self.over + 1 if bps > self.kbps * 1000 else 0
        return self.over >= TOLERANCE_SECONDS
