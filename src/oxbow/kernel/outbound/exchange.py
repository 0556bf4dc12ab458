"""What one request may cost, known to the sockets below it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from oxbow.kernel.outbound.errors import OutboundFailed

OVERHEAD_BYTES = 128 * 1024
"""What may arrive beside bodies: heads, framing, and what was read ahead when a body was cut."""


@dataclass(slots=True)
class Exchange:
    """One request with its redirects; it lives as long as the task that makes it waits for the answer."""

    budget: int
    """Bytes that may still be read."""
    stage: str = "waiting for a free connection"
    """What it waits for, in words that follow "while"."""

    @classmethod
    def of(cls, max_bytes: int) -> Exchange:
        """Twice the body, since framing may be as long as what it frames."""
        return cls(2 * max_bytes + OVERHEAD_BYTES)

    def spend(self, size: int) -> None:
        """Count what was read; OutboundFailed beyond the budget, whatever those bytes mean."""
        self.budget -= size
        if self.budget < 0:
            raise OutboundFailed("too_large", "the answer's head or its framing is too long")


current: ContextVar[Exchange] = ContextVar("exchange")
"""The exchange of the running task: the HTTP library sits between the request and its socket."""
