"""The part of the live room that counts."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import APIRouter

from oxbow.kernel.metering import MeteringService
from oxbow.rooms.live.control.messages import Report
from oxbow.rooms.live.usage.counting import Traffic
from oxbow.rooms.live.usage.meters import METERS
from oxbow.rooms.live.usage.routes import statd_router
from oxbow.rooms.live.usage.statd import Statd


class LiveUsage:
    """Takes the workers' reports, and answers what they add up to.

    :param owner_of: the account that owns a hub; None for a hub that is not there.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        metering: MeteringService,
        owner_of: Callable[[str], int | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        metering.register(METERS)
        self._traffic = Traffic(metering, owner_of, clock)
        self.routers: list[APIRouter] = [statd_router(Statd(metering.reader, clock))]

    def take(self, worker: int, report: Report) -> None:
        """A worker's report of the last second."""
        self._traffic.take(report)
