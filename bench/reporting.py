"""What it costs to know: statistics and metering of many streams, from the workers' reports to the database.

`python -m bench.reporting` lets two workers with real logs, cohorts and viewers report once a (simulated)
second, and control take the reports: board, totals, meters and minutes, written to SQLite when they are due.
The CPU time of all that over the seconds is the part of a core that it takes. Sockets are /dev/null, since
only the counting is of interest here, and the time it takes to serve them is not counted.
"""

import asyncio
import gc
import io
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from bench.broadcast import BITS_PER_SECOND
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

STREAMS = 1000
VIEWERS = 10_000
WORKERS = 2
SECONDS = 60
FLUSH_SECONDS = 5
LIMIT_PERCENT = 5.0
PLACES = (("cn", "电信"), ("hk", "PCCW"))
WAYS = [Way(f"{domain}.example.com", area, isp) for domain in "ab" for area, isp in PLACES]
"""Ten viewers of a stream come on so many ways, over two protocols."""

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

    def __init__(self, index: int, root: Path) -> None:
        self.index = index
        # A cohort tells its viewers apart by their descriptors; different cohorts may share them.
        self._sinks: list[Any] = [Sink() for _ in range(VIEWERS // STREAMS)]
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
        self.publishers = [self._publish(f"stream{number}") for number in range(index, STREAMS, WORKERS)]
        for publisher in self.publishers:
            for number in range(VIEWERS // STREAMS):
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
        return encode(make_report(self.plane, 1.0, VIEWERS // WORKERS))


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


async def measure() -> dict[str, float]:
    """CPU seconds of each part, over SECONDS."""
    now, costs = [1_700_000_000.0], dict[str, float]()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as shm, tempfile.TemporaryDirectory() as home:
        database = Database(f"sqlite+aiosqlite:///{home}/oxbow.db")
        await database.migrate()
        control = Control(database, lambda: now[0])
        workers = [Worker(index, Path(shm)) for index in range(WORKERS)]
        for worker in workers:
            for publisher in worker.publishers:
                control.board.put(OnAir(worker.index, publisher.info))
        # As in a worker's process: what is there at the start is not looked at again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        for second in range(SECONDS):
            now[0] += 1.0
            for worker in workers:
                worker.serve(second)
                with counted(costs, "workers"):
                    data = worker.report()
                with counted(costs, "control"):
                    control.take(worker.index, await decoded(data))
            with counted(costs, "database"):
                await control.minutes.turn()
                if second % FLUSH_SECONDS == 0:
                    await control.metering.flush()
        assert sum(control.board.all_viewers().values()) == VIEWERS
        await database.close()
    return costs


def main() -> int:
    """Print the parts, and 1 if together they are above the limit."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    costs = asyncio.run(measure())
    percent = {part: 100 * seconds / SECONDS for part, seconds in costs.items()}
    out = io.StringIO()
    for part, value in percent.items():
        print(f"{part:10} {value:6.2f} % of a core", file=out)
    total = sum(percent.values())
    print(f"{'together':10} {total:6.2f} % of a core, of {LIMIT_PERCENT:g} % allowed", file=out)
    print(f"{STREAMS} streams, {VIEWERS} viewers, {WORKERS} workers, {SECONDS} s\n{out.getvalue()}", end="")
    return 1 if total > LIMIT_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
