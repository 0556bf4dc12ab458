"""The part of the live room that counts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Gauge

from oxbow.kernel.database import Database
from oxbow.kernel.logs import get_logger
from oxbow.kernel.metering import MeteringService
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.control.messages import Report
from oxbow.rooms.live.service import LiveService
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.store.minutes import MinuteStore
from oxbow.rooms.live.usage.counting import Traffic
from oxbow.rooms.live.usage.meters import METERS
from oxbow.rooms.live.usage.minutes import Minutes
from oxbow.rooms.live.usage.routes import statd_router, stats_router
from oxbow.rooms.live.usage.statd import Statd
from oxbow.rooms.live.usage.stats import StreamStats

TURN_SECONDS = 1.0
"""How soon after its end a minute is written."""

log = get_logger(__name__)


class LiveUsage:
    """Takes the workers' reports, and answers what they add up to.

    :param clock: Unix seconds.
    """

    def __init__(
        self,
        settings: LiveSettings,
        database: Database,
        service: LiveService,
        board: LiveBoard,
        metering: MeteringService,
        clock: Callable[[], float] = time.time,
    ) -> None:
        metering.register(METERS)
        store = MinuteStore(database, settings.stats_days, clock)
        self._traffic = Traffic(metering, service.owner_of, clock)
        self.minutes = Minutes(store, board, service.type_of, clock)
        self._task: asyncio.Task[None] | None = None
        self.routers: list[APIRouter] = [
            statd_router(Statd(metering.reader, clock), service.hubs),
            stats_router(StreamStats(store, service.hubs, clock)),
        ]

    def take(self, worker: int, report: Report) -> None:
        """A worker's report of the last second."""
        self._traffic.take(report)
        self.minutes.take(report)

    def open(self) -> None:
        """Begin to write minutes."""
        self._task = asyncio.create_task(self._turn_again_and_again(), name="live minutes")

    async def close(self) -> None:
        """Stop, after a last attempt to write the minutes that have passed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.minutes.flush()

    def add_metrics(self, registry: CollectorRegistry) -> None:
        """What waits to be written, and what was thrown away."""
        Gauge(
            "oxbow_live_minutes_waiting",
            "Minutes of streams that wait to be written to the database.",
            registry=registry,
        ).set_function(lambda: self.minutes.pending)
        Gauge(
            "oxbow_live_minutes_lost",
            "Minutes of streams thrown away because too many were waiting.",
            registry=registry,
        ).set_function(lambda: self.minutes.lost)

    async def _turn_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(TURN_SECONDS)
            try:
                await self.minutes.turn()
            except Exception:
                log.exception("stream_minutes_not_written")
