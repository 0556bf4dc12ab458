"""The worker's process: what it counts is told once, to a control that hears it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from oxbow.kernel.settings import KernelSettings
from oxbow.rooms.live.control.messages import Report
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.process import MediaWorker


class Link:
    """Control, near or far."""

    def __init__(self) -> None:
        self.is_connected = True
        self.reports: list[Report] = []

    def send(self, message: Report) -> None:
        assert self.is_connected, "what is sent while control is away is lost"
        self.reports.append(message)


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
async def worker(link: Link, shm: Path, tmp_path: Path) -> Iterator[MediaWorker]:
    """A worker whose sockets are not open yet."""
    worker = MediaWorker(0, KernelSettings(home=tmp_path, shm_dir=shm), LiveSettings())
    worker.plane.link = link  # type: ignore[assignment]
    worker._loop = SimpleNamespace(time=lambda: 0.0)  # type: ignore[assignment]
    return worker


def count(worker: MediaWorker, sent: int) -> None:
    worker.plane.shelf.sent("hub", "stream", Way("a.example.com", "cn"), sent)
    worker.plane.refused["not_live"] += 1


def told(report: Report) -> tuple[list[int], dict[str, int]]:
    return [stream.sent_bytes for stream in report.streams], report.refused


async def test_each_second_tells_what_was_counted_in_it(worker: MediaWorker, link: Link):
    for sent in (1000, 20):
        count(worker, sent)
        worker._second(1.0)
    worker._second(1.0)
    assert [told(report) for report in link.reports] == [
        ([1000], {"not_live": 1}),
        ([20], {"not_live": 1}),
        ([], {}),
    ]


async def test_while_control_is_away_the_counting_goes_on(worker: MediaWorker, link: Link):
    link.is_connected = False
    for sent in (1000, 200, 30):
        count(worker, sent)
        worker._second(1.0)
    link.is_connected = True
    count(worker, 4)
    worker._second(1.0)
    assert [told(report) for report in link.reports] == [([1234], {"not_live": 4})]


async def test_the_last_words_are_what_was_counted_last(worker: MediaWorker, link: Link):
    async def close() -> None:
        link.is_connected = False

    link.close = close  # type: ignore[attr-defined]
    count(worker, 7)
    worker._ticker = SimpleNamespace(stop=lambda: None)  # type: ignore[assignment]
    await worker.close()
    assert [told(report) for report in link.reports] == [([7], {"not_live": 1})]
