"""What it costs to know: statistics and metering of many streams, from the workers' reports to the database.

Two workers with real logs, cohorts and viewers report once a (simulated) second, and control takes the
reports: board, totals, meters and minutes, written to SQLite when they are due. The CPU time of all that over
the seconds is the part of a core that it takes. Sockets are /dev/null, since only the counting is of interest
here, and the time it takes to serve them is not counted.
"""

import asyncio
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from bench.broadcast import BITS_PER_SECOND
from bench.statistics import Numbers
from oxbow.kernel.collector import calm_the_collector
from oxbow.kernel.database import Database
from oxbow.kernel.metering import MeteringService
from oxbow.media.fanout import FanoutLimits, Viewer
from oxbow.media.formats import FLV, WEBSOCKET
from oxbow.media.registry import Registry
from oxbow.media.stream import StreamOptions
from oxbow.proto.rtmp.chunks import Message
from oxbow.rooms.live.board import LiveBoard, OnAir
from oxbow.rooms.live.control.messages import LivePublisher, Report, encode, read_messages
from oxbow.rooms.live.control.server import Totals
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.store.minutes import MinuteStore
from oxbow.rooms.live.usage.counting import Traffic
from oxbow.rooms.live.usage.meters import METERS
from oxbow.rooms.live.usage.minutes import Minutes
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.publishing import Publishing
from oxbow.rooms.live.worker.reporting import make_report
from oxbow.rooms.live.worker.shelf import HlsShelf
from oxbow.rooms.live.worker.watching import Watching

WORKERS = 2
VIEWERS = 10
"""Of each stream."""
FLUSH_SECONDS = 5
PLACES = (("cn", "电信"), ("hk", "PCCW"))
WAYS = [Way(f"{domain}.example.com", area, isp) for domain in "ab" for area, isp in PLACES]
"""A stream's viewers come on so many ways, over two protocols."""

KEYFRAME = b"\x17\x01\x00\x00\x00" + bytes(600)


class Sink:
    """A socket that takes everything."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._fd

    def send(self, data: bytes, flags: int = 0) -> int:
        return len(data)


class Worker:
    """A share of the streams with their publishers and viewers."""

    def __init__(self, index: int, streams: int, root: Path) -> None:
        self.index = index
        # A cohort tells its viewers apart by their descriptors; different cohorts may share them.
        self._sinks: list[Any] = [Sink() for _ in range(VIEWERS)]
        registry = Registry(root)
        link: Any = SimpleNamespace(send=lambda message: None)
        self.plane = Plane(
            settings=LiveSettings(),
            registry=registry,
            link=link,
            publishing=Publishing(link, 0.1),
            watching=Watching(registry, FanoutLimits()),
            shelf=HlsShelf(registry),
        )
        self.publishers = [self._publish(f"stream{number}") for number in range(index, streams, WORKERS)]
        for publisher in self.publishers:
            for number in range(VIEWERS):
                self._watch(publisher.info.stream, number)

    def _publish(self, stream: str) -> Any:
        writer = self.plane.registry.writer("hub", stream, StreamOptions())
        writer.write([Message(9, 0, 1, KEYFRAME)])
        publisher = SimpleNamespace(
            fd=os.eventfd(0),
            info=LivePublisher("hub", stream, f"session of {stream}", "192.0.2.1:1", "192.0.2.2:1935", 0.0),
            writer=writer,
            room=1 << 20,
            gather=lambda: 0,
            silent_seconds=lambda: 0.0,
            take_received=lambda: BITS_PER_SECOND // 8,
        )
        self.plane.publishing.begin(publisher)
        return publisher

    def _watch(self, stream: str, number: int) -> None:
        handler: Any = SimpleNamespace(preamble=lambda head: head, viewer_gone=lambda viewer, reason: None)
        viewer = Viewer(self._sinks[number], handler, WAYS[number % len(WAYS)])
        self.plane.watching.watch("hub", stream, WEBSOCKET if number % 5 == 4 else FLV, viewer, patience=60)

    def serve(self, second: int) -> None:
        """A second's worth of pictures for everybody."""
        for publisher in self.publishers:
            publisher.writer.write([Message(9, second * 1000, 1, KEYFRAME)])
            publisher.writer.second()
        self.plane.watching.serve()

    def report(self) -> bytes:
        return encode(make_report(self.plane, 1.0, VIEWERS * len(self.publishers)))


class Control:
    """What control does with a report."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.board = LiveBoard(clock)
        self.totals = Totals()
        self.metering = MeteringService(database, ZoneInfo("UTC"), clock=clock)
        self.metering.register(METERS)
        self.traffic = Traffic(self.metering, lambda hub: 1, clock)
        self.minutes = Minutes(MinuteStore(database, 7, clock), self.board, lambda domain: "liveHdl", clock)

    def take(self, worker: int, report: Report) -> None:
        self.board.report(worker, report)
        self.totals.add(report)
        self.traffic.take(report)
        self.minutes.take(report)


async def decoded(data: bytes) -> Report:
    reader = asyncio.StreamReader(limit=1 << 26)
    reader.feed_data(data)
    reader.feed_eof()
    message = await anext(aiter(read_messages(reader)))
    assert isinstance(message, Report)
    return message


@contextmanager
def counted(costs: dict[str, float], part: str) -> Iterator[None]:
    """Add the CPU time of all threads to a part's costs."""
    before = time.process_time()
    yield
    costs[part] = costs.get(part, 0.0) + time.process_time() - before


@dataclass(frozen=True)
class Reporting:
    """So many streams, each with its publisher and ten viewers, over so many seconds."""

    streams: int
    seconds: int

    def measure(self) -> Numbers:
        """What each part takes, and all together, in percent of a core.

        In a process of its own, as a server is: what another round left behind weighs nothing.
        """
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(self._measure_here).result()

    def _measure_here(self) -> Numbers:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with tempfile.TemporaryDirectory(dir="/dev/shm") as shm, tempfile.TemporaryDirectory() as home:
            costs = asyncio.run(self._measure(Path(shm), Path(home)))
        percent = {f"{part}_percent": 100 * spent / self.seconds for part, spent in costs.items()}
        return {"reporting_percent": sum(percent.values()), **percent}

    async def _measure(self, shm: Path, home: Path) -> dict[str, float]:
        now, costs = [1_700_000_000.0], dict[str, float]()
        database = Database(f"sqlite+aiosqlite:///{home}/oxbow.db")
        await database.migrate()
        control = Control(database, lambda: now[0])
        workers = [Worker(index, self.streams, shm) for index in range(WORKERS)]
        for worker in workers:
            for publisher in worker.publishers:
                control.board.put(OnAir(worker.index, publisher.info))
        calm_the_collector()
        for second in range(self.seconds):
            now[0] += 1.0
            for worker in workers:
                await self._report(worker, control, second, costs)
            with counted(costs, "database"):
                await control.minutes.turn()
                if second % FLUSH_SECONDS == 0:
                    await control.metering.flush()
        await database.close()
        counted_viewers = sum(control.board.all_viewers().values())
        if counted_viewers != VIEWERS * self.streams:
            raise ValueError(f"{counted_viewers} viewers were counted of {VIEWERS * self.streams}")
        return costs

    async def _report(self, worker: Worker, control: Control, second: int, costs: dict[str, float]) -> None:
        worker.serve(second)
        with counted(costs, "workers"):
            data = worker.report()
        with counted(costs, "control"):
            control.take(worker.index, await decoded(data))
