"""Handshakes of a crowd, a few milliseconds of them at a time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

BUDGET_SECONDS = 0.005
"""Private keys are slow (an RSA signature takes most of a millisecond): after so much of it everybody else
gets a turn, so that a thousand viewers that come at once do not make those who watch wait."""


class Handshakes:
    """Runs steps in the order they came, within the budget of each pass of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._steps: deque[Callable[[], None]] = deque()

    def add(self, step: Callable[[], None]) -> None:
        """Run `step` when its turn comes; it must not raise."""
        self._steps.append(step)
        if len(self._steps) == 1:
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        until = time.perf_counter() + BUDGET_SECONDS
        while self._steps and time.perf_counter() < until:
            self._steps.popleft()()
        if self._steps:
            self._loop.call_soon(self._run)
