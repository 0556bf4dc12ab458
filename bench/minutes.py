"""What it costs to keep streams minute by minute, on SQLite."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.statistics import Numbers
from oxbow.kernel.database import Database
from oxbow.media.parameters import MediaParameters
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.control.messages import Figures, Kind, Report, Share, StreamReport
from oxbow.rooms.live.store.minutes import MinuteStore
from oxbow.rooms.live.usage.minutes import Minutes

STREAMS = 1000
DOMAINS = 2
FIGURES = Figures("s", 2_000_000, 1_900_000, 64_000, 25, 43, 0, 2000, 2000, 0.0, 0, MediaParameters())


@dataclass(frozen=True)
class MinutesOfStreams:
    """A minute of a thousand streams ends, and is written."""

    minutes: int = 9

    def measure(self) -> Numbers:
        """The median CPU time of one minute's end, all threads together."""
        with tempfile.TemporaryDirectory() as directory:
            return {"minute_cpu_ms": asyncio.run(self._measure(Path(directory)))}

    async def _measure(self, directory: Path) -> float:
        database = Database(f"sqlite:///{directory}/minutes.db", timeout=30.0)
        await database.migrate()
        now = 1_800_000_000.0
        minutes = Minutes(MinuteStore(database, 3, lambda: now), LiveBoard(), lambda _: "", lambda: now)
        times = []
        try:
            for _ in range(self.minutes):
                minutes.take(report())
                now += 60
                started = time.process_time()
                await minutes.turn()
                times.append(1000 * (time.process_time() - started))
        finally:
            await database.close()
        return median(times)


def report() -> Report:
    """A second of all streams, each watched by every domain."""
    kinds = [Kind(f"d{number}.example.com", "flv", "cn", "") for number in range(DOMAINS)]
    shares = [Share(number, 5, 250_000) for number in range(DOMAINS)]
    streams = [
        StreamReport("live", f"stream{number}", FIGURES, shares=shares, received=[])
        for number in range(STREAMS)
    ]
    return Report(1.0, 0, streams, {}, kinds)
