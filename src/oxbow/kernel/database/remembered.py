"""Something of the database in memory, so that asking for it does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

from oxbow.kernel.database.away import DatabaseUnavailableError

FRESH_SECONDS = 1.0  # What another process changed counts here after at most this long ...
PATIENCE_SECONDS = 0.5  # ... unless the database takes longer than this to tell; then what is known counts.

T = TypeVar("T")


class Remembered(Generic[T]):
    """What ``read`` returned last.

    What this process changes is known at once (it calls :meth:`refresh`), and what others change within
    ``FRESH_SECONDS``.  While the database is away, what was known last goes on counting.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], clock: Callable[[], float] = monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: T | None = None
        self._next_look = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    async def get(self) -> T:
        """What is known.

        :raises DatabaseUnavailableError: only while it has never been read.
        """
        if self._clock() >= self._next_look:
            await self._look()
        if self._known is None:
            raise DatabaseUnavailableError
        return self._known

    async def refresh(self) -> None:
        """Read it now."""
        # One at a time, or a slow earlier read would put back what a later one has seen changed.
        async with self._reading:
            self._known = await self._read()
            self._wait_before_the_next()

    async def _look(self) -> None:
        """Refresh, once however many ask, and not for longer than a request may wait."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._refresh_or_keep())
        known = self._known is not None
        await asyncio.wait([self._looking], timeout=PATIENCE_SECONDS if known else None)
        if self._looking is not None:
            self._wait_before_the_next()

    async def _refresh_or_keep(self) -> None:
        try:
            await self.refresh()
        except DatabaseUnavailableError:
            self._wait_before_the_next()
        finally:
            self._looking = None

    def _wait_before_the_next(self) -> None:
        self._next_look = self._clock() + FRESH_SECONDS
