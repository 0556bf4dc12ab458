"""The history writer over a store that comes and goes."""

import asyncio
from collections.abc import Sequence

from oxbow.rooms.live.history import HistoryEntry, HistoryWriter
from oxbow.rooms.live.models import Activity


def activity(id_: str, at: int = 100) -> Activity:
    return Activity(id_, "live", "stream", "node", at, at, None, "192.0.2.1:4000", "192.0.2.2:1935")


class FlakyStore:
    """Keeps what was written; fails while it is told to."""

    def __init__(self) -> None:
        self.away = False
        self.failures = 0
        self.failed = asyncio.Event()
        self.batches: list[list[HistoryEntry]] = []
        self.written = asyncio.Event()

    async def write_history(self, entries: Sequence[HistoryEntry]) -> None:
        await asyncio.sleep(0)
        if self.away:
            self.failures += 1
            self.failed.set()
            raise ConnectionRefusedError
        self.batches.append(list(entries))
        self.written.set()

    @property
    def entries(self) -> list[HistoryEntry]:
        return [entry for batch in self.batches for entry in batch]


async def test_reports_of_one_broadcast_are_written_as_one_entry():
    store = FlakyStore()
    writer = HistoryWriter(store)
    writer.started(activity("a"))
    writer.seen(["a"], 101)
    writer.ended("a", 102)
    assert await writer.flush()
    assert store.entries == [HistoryEntry("a", started=activity("a"), seen_at=102, ended_at=102)]


async def test_it_writes_in_the_background():
    store = FlakyStore()
    writer = HistoryWriter(store)
    writer.open()
    writer.started(activity("a"))
    await store.written.wait()
    assert [entry.id for entry in store.entries] == ["a"]
    await writer.close()


async def test_while_the_database_is_away_reports_wait_and_are_then_written_in_order():
    store = FlakyStore()
    store.away = True
    writer = HistoryWriter(store, retry_seconds=0.001)
    writer.open()
    writer.started(activity("a"))
    await store.failed.wait()
    writer.started(activity("b"))
    writer.seen(["a", "b"], 105)
    writer.ended("a", 106)
    store.away = False
    await store.written.wait()
    await writer.close()
    assert store.failures >= 1
    assert [entry.id for entry in store.entries] == ["a", "b"]
    assert store.entries[0].started == activity("a")
    assert store.entries[0].ended_at == 106
    assert writer.pending == 0


async def test_a_failed_write_keeps_what_was_reported_meanwhile():
    store = FlakyStore()
    store.away = True
    writer = HistoryWriter(store)
    writer.started(activity("a"))
    flushing = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    writer.seen(["a"], 109)
    writer.started(activity("b"))
    assert await flushing is False
    store.away = False
    assert await writer.flush()
    assert store.entries == [
        HistoryEntry("a", started=activity("a"), seen_at=109),
        HistoryEntry("b", started=activity("b")),
    ]


async def test_what_waits_is_bounded_and_the_loss_is_counted():
    store = FlakyStore()
    store.away = True
    writer = HistoryWriter(store, max_pending=3)
    for number in range(5):
        writer.started(activity(f"a{number}"))
        await writer.flush()
    for _ in range(100):
        writer.seen(["a4"], 200)
    assert writer.pending == 3
    assert writer.lost == 2
    store.away = False
    await writer.flush()
    assert [entry.id for entry in store.entries] == ["a2", "a3", "a4"]


async def test_closing_writes_what_waits():
    store = FlakyStore()
    writer = HistoryWriter(store)
    writer.open()
    writer.started(activity("a"))
    await writer.close()
    assert [entry.id for entry in store.entries] == ["a"]


async def test_a_write_that_is_cancelled_is_not_lost():
    store = FlakyStore()
    writer = HistoryWriter(store)
    writer.started(activity("a"))
    flushing = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    assert await writer.flush()
    assert [entry.id for entry in store.entries][-1] == "a"


async def test_a_broadcast_reported_anew_is_on_again():
    store = FlakyStore()
    writer = HistoryWriter(store)
    writer.started(activity("a"))
    writer.ended("a", 105)
    writer.started(activity("a", 106))
    await writer.flush()
    assert store.entries == [HistoryEntry("a", started=activity("a", 106))]
