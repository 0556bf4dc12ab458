"""A calendar in Shanghai, a clock that stands still, and a service on each database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.metering import Meter, MeteringService, MeteringSettings

SHANGHAI = ZoneInfo("Asia/Shanghai")
FLOW = Meter("test.flow", "byte", ("hub", "area"), "What flows.")
JOBS = Meter("test.jobs", "job", ("hub",), "What is done.")


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    """Unix seconds of `2026-03-01 12:00` on the clock of a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@dataclass
class Clock:
    now: float = at("2026-03-15 12:00:00")

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


MakeService = Callable[..., MeteringService]


@pytest.fixture
def make_service(database: Database, clock: Clock) -> MakeService:
    """One of possibly many servers on the database."""

    def make(zone: ZoneInfo = SHANGHAI, **settings: float) -> MeteringService:
        service = MeteringService(database, zone, MeteringSettings(**settings), clock=clock)
        service.register([FLOW, JOBS])
        return service

    return make


@pytest.fixture
def service(make_service: MakeService) -> MeteringService:
    return make_service()
