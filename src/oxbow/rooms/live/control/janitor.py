"""Ends streams whose publisher stays away, whether its worker said goodbye or was killed."""

import asyncio
import contextlib

import structlog

from oxbow.media.registry import Registry
from oxbow.rooms.live.board import LiveBoard

EVERY_SECONDS = 0.5

log = structlog.get_logger("oxbow.live.janitor")


class Janitor:
    """A small loop in the control process."""

    def __init__(self, board: LiveBoard, registry: Registry) -> None:
        self._board = board
        self._registry = registry
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the loop ends with `close`."""
        self._task = asyncio.create_task(self._run(), name="live janitor")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                self.sweep()
            except OSError as error:
                log.warning("streams could not be swept", error=str(error))

    def sweep(self) -> None:
        """Look at every stream that nobody publishes: after its grace time it ends."""
        for hub, stream in self._registry.streams():
            if self._board.get(hub, stream) is None:
                self._registry.expire(hub, stream)
