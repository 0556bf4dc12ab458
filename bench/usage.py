"""A year of usage on SQLite, and how long questions about it take."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from starlette.datastructures import QueryParams

from bench.statistics import Numbers
from oxbow.kernel.database import Database
from oxbow.kernel.metering import MeteringService
from oxbow.kernel.metering.calendar import STEPS, Step
from oxbow.kernel.metering.tables import SumRow
from oxbow.rooms.live.usage.meters import METERS, STATISTICS
from oxbow.rooms.live.usage.statd import Statd

HUBS, DOMAINS, AREAS = 50, 4, ("cn", "hk", "apac")
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 1, tzinfo=ZONE).timestamp()
YEAR = "begin=20250101&end=20260101&g=day&select=flow"
QUESTIONS = {
    "year_by_day_ms": YEAR,
    "year_by_day_and_area_ms": f"{YEAR}&group=area&$area=!hk",
    "year_by_day_and_domain_ms": f"{YEAR}&group=domain",
}
"""Figures and the questions they measure."""
DOWNFLOW = next(statistic for statistic in STATISTICS if statistic.name == "downflow")


@dataclass(frozen=True)
class YearOfUsage:
    """Every hub's domains are watched from every area on each day of a year."""

    questions: int = 9  # of each kind

    def measure(self) -> Numbers:
        """The median time of each question in milliseconds, and the number of sums that were there."""
        with tempfile.TemporaryDirectory() as directory:
            return asyncio.run(self._measure(Path(directory)))

    async def _measure(self, directory: Path) -> Numbers:
        database = Database(f"sqlite:///{directory}/usage.db", timeout=30.0)
        await database.migrate()
        metering = MeteringService(database, ZONE, clock=lambda: NOW)
        metering.register(METERS)
        try:
            sums = await fill(database, metering)
            statd = Statd(metering.reader, lambda: NOW)
            times = {name: await self._ask(statd, query) for name, query in QUESTIONS.items()}
        finally:
            await database.close()
        return {**times, "sums": sums}

    async def _ask(self, statd: Statd, query: str) -> float:
        times = []
        for _ in range(self.questions):
            started = time.perf_counter()
            rows = await statd.ask(DOWNFLOW, 1, QueryParams(query))
            times.append(1000 * (time.perf_counter() - started))
            if len(rows) != 365:
                raise ValueError(f"a year has 365 days, the answer has {len(rows)}")
        return median(times)


async def fill(database: Database, metering: MeteringService) -> int:
    """Make the series by counting once, and the other days' sums of them directly; returns how many."""
    begin, chance = datetime(2025, 1, 1, tzinfo=ZONE).timestamp(), Random(7)
    for hub in range(HUBS):
        for domain in range(DOMAINS):
            for area in AREAS:
                name = f"hub{hub}"
                dimensions = {"hub": name, "domain": f"d{domain}.{name}.example.com", "area": area}
                metering.add("live.downflow", 1, begin, chance.randrange(1, 10**12), dimensions)
    await metering.flush()
    series = await metering.store.series(1, "live.downflow")
    days = metering.calendar_of(1).starts(Step.DAY, begin, NOW)[1:]
    for day in days:
        rows = [
            {"step": STEPS.index(Step.DAY), "book": 1, "bucket": day, "series": number, "quantity": quantity}
            for number, quantity in ((number, chance.randrange(1, 10**12)) for number in series)
        ]
        async with database.session() as session:
            await session.execute(insert(SumRow), rows)
    return len(series) * (len(days) + 1)
