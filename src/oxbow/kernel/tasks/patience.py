"""Waiting for a database that is away: a restart of it costs a task time, never an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from oxbow.kernel.database import DatabaseUnavailableError

T = TypeVar("T")

PAUSES = (0.1, 0.3, 1.0, 2.0)
"""Seconds between tries; the last one goes on."""


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call until the database is there, for ever: who wants an end sets a time limit around it."""
    tries = 0
    while True:
        try:
            return await call()
        except DatabaseUnavailableError:
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1
