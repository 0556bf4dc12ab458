"""Waiting for what has no event of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

SOON = 10.0
"""Seconds; what tests wait for takes milliseconds."""


def _nothing() -> None:
    pass


async def soon(
    condition: Callable[[], Any], what: str = "the condition", meanwhile: Callable[[], None] = _nothing
) -> Any:
    """Let the others work, and do what is to be done `meanwhile`, until something is true; returns it."""
    try:
        async with asyncio.timeout(SOON):
            while not (found := condition()):
                meanwhile()
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"{what} did not come true within {SOON:g} s") from None
    return found
