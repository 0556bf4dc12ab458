"""The tick: everything in the steady state happens at the same moments in all workers.

Aligned to the monotonic clock, which all processes of a machine share: publishers are read at each multiple
of the tick, viewers are served a little later, so that a viewer in one worker gets what a publisher in
another has just sent without waiting for the next tick.
"""

import asyncio
from collections.abc import Callable

SERVE_AFTER = 0.1
"""The part of a tick between reading the publishers and serving the viewers."""


class Ticker:
    """Calls `gather` and `serve` once per tick and `second` about once a second."""

    def __init__(
        self,
        tick_seconds: float,
        gather: Callable[[], None],
        serve: Callable[[], None],
        second: Callable[[float], None],
    ) -> None:
        self._tick = tick_seconds
        self._gather = gather
        self._serve = serve
        self._second = second
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._last_second = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._last_second = loop.time()
        self._schedule(self._on_gather, 0.0)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._loop = None

    def _schedule(self, call: Callable[[], None], phase: float) -> None:
        """Call at the next moment of this phase. A tick that was missed, for whatever reason, is not made up
        for."""
        if self._loop is not None:
            now = self._loop.time()
            ticks = (now - phase) // self._tick + 1
            self._handle = self._loop.call_at(ticks * self._tick + phase, call)

    def _on_gather(self) -> None:
        self._schedule(self._on_serve, self._tick * SERVE_AFTER)
        self._gather()

    def _on_serve(self) -> None:
        self._schedule(self._on_gather, 0.0)
        self._serve()
        if self._loop is not None and self._loop.time() - self._last_second >= 1.0:
            elapsed, self._last_second = self._loop.time() - self._last_second, self._loop.time()
            self._second(elapsed)
