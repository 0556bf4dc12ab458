"""When a task that waits looks again: soon at first, then rarely, so that thousands can wait at no cost."""

from __future__ import annotations

import math

HOLD_SECONDS = 1.0
"""A pause of up to so long is slept through. For a longer one the task gives up its place."""
PATIENT_SECONDS = 2.0
"""For so long a wait may hold its place while it asks often."""
LONGEST_SECONDS = 1800.0
PART = 1 / 20
"""What has taken an hour may be noticed three minutes late."""
TOGETHER_SECONDS = 15.0
"""Those that look rarely do it at the same moments, so that the engine is started once for all of them."""


def next_look(now: float, since: float | None, every_seconds: float) -> float:
    """When to ask again what has been asked for since a moment; all are Unix seconds."""
    waited = now - (since or now)
    if waited < PATIENT_SECONDS:
        return now + every_seconds
    pause = max(every_seconds, min(waited * PART, LONGEST_SECONDS), 2 * HOLD_SECONDS)
    if pause < TOGETHER_SECONDS:
        return now + pause
    return math.ceil((now + pause) / TOGETHER_SECONDS) * TOGETHER_SECONDS
