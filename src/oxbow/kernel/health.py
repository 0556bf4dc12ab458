"""Whether this process can do its work right now, and if not, what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Check = Callable[[], Awaitable[None]]

CHECK_SECONDS = 2.0  # A check that takes longer counts as failed: probes have deadlines of their own.


class Health:
    """Named checks; a room adds one for each thing it cannot work without."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    @property
    def names(self) -> list[str]:
        """What is checked."""
        return list(self._checks)

    def add(self, name: str, check: Check) -> None:
        """Add a check: it returns when all is well, and raises otherwise."""
        self._checks[name] = check

    async def failing(self) -> dict[str, str]:
        """Run every check at once; the names of those that failed, each with its reason in a few words."""
        reasons = await asyncio.gather(*(self._reason(check) for check in self._checks.values()))
        return {name: reason for name, reason in zip(self._checks, reasons, strict=True) if reason}

    async def _reason(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await check()
        except TimeoutError:
            return f"no answer within {CHECK_SECONDS:g} seconds"
        except Exception as error:
            # Whatever a check raises means that it failed; the probe has to be answered all the same.
            return str(error) or type(error).__name__
        return None
