"""The engine runs only while there is something to run: asleep it has no threads, and costs nothing."""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

if TYPE_CHECKING:
    from oxbow.kernel.tasks.engine import Engine, Execute

SLEEPY_SECONDS = 5.0
"""After so long without work the engine is closed. To open it takes about a tenth of a second."""


class EngineOnDemand:
    """Opens and closes the engine; for one caller who does one thing after the other."""

    def __init__(self, url: URL, server: str, execute: Execute) -> None:
        self._url = url
        self._server = server
        self._execute = execute
        self._engine: Engine | None = None
        self._busy_at = 0.0

    @property
    def if_open(self) -> Engine | None:
        """The engine while it runs."""
        return self._engine

    async def opened(self) -> Engine:
        """The engine, which runs now; whatever keeps it from that is raised."""
        self._busy_at = time.monotonic()
        if self._engine is None:
            # Imported here, in a thread: it takes most of a second, and the API need not wait for it.
            module = await asyncio.to_thread(importlib.import_module, "oxbow.kernel.tasks.engine")
            engine: Engine = module.Engine(self._url, self._server, self._execute)
            await engine.open()
            self._engine = engine
        return self._engine

    async def rest(self, *, busy: bool) -> None:
        """Close the engine if it was not busy for a while."""
        now = time.monotonic()
        if busy:
            self._busy_at = now
        elif self._engine is not None and now - self._busy_at >= SLEEPY_SECONDS:
            await self._engine.forget()
            await self.close()

    async def close(self) -> None:
        """Stop the engine if it runs."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()
