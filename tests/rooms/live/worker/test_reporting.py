"""What a worker tells control once a second."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from broadcast import broadcast, setup
from media_worker import Worker
from oxbow.media.formats import FLV
from oxbow.media.viewer import Viewer
from oxbow.rooms.live.control.messages import LivePublisher, Report, StreamReport
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.reporting import make_report

SESSION = "1" * 16


@pytest.fixture
async def worker(shm: Path) -> AsyncIterator[Worker]:
    worker = Worker(shm)
    yield worker
    worker.close()


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    yield near, far
    near.close()
    far.close()


def publish(worker: Worker, stream: str) -> None:
    """A publisher of this worker, with a second of media."""
    writer = worker.on_air(stream)
    writer.write([*setup(), *broadcast(0, 1000)])
    info = LivePublisher("hub", stream, f"session of {stream}", "1.1.1.1:5", "2.2.2.2:1935", 0.0)
    publisher = SimpleNamespace(
        fd=worker.rtmp._sock.fileno(),  # any socket that stays open
        info=info,
        writer=writer,
        room=1 << 20,
        silent_seconds=lambda: 3.0,
        take_received=lambda: 0,
        gather=lambda: 0,
    )
    worker.plane.publishing.begin(publisher)  # type: ignore[arg-type]


def by_stream(report: Report) -> dict[str, StreamReport]:
    assert len({stream.stream for stream in report.streams}) == len(report.streams), "each stream once"
    return {stream.stream: stream for stream in report.streams}


def viewers(report: Report, stream: str) -> dict[str, int]:
    shares = by_stream(report)[stream].shares
    return {report.kinds[share.kind].protocol: share.viewers for share in shares if share.viewers}


def sessions(report: StreamReport) -> list[str]:
    return [session for share in report.shares for session in share.sessions]


async def test_a_worker_with_nothing_says_so(worker: Worker) -> None:
    assert make_report(worker.plane, 1.5, 4) == Report(1.5, 4, [], {}, version=worker.plane.config.version)


async def test_a_publisher_is_reported_each_time(worker: Worker) -> None:
    publish(worker, "published")
    for _ in range(2):
        told = by_stream(make_report(worker.plane, 1.0, 1))["published"]
        assert told.publisher is not None
        assert (told.publisher.session, told.publisher.silent_seconds) == ("session of published", 3.0)
        assert (told.shares, told.received) == ([], [])


async def test_viewers_are_those_of_now_and_bytes_those_since_the_last_report(
    worker: Worker, sockets: tuple[socket.socket, socket.socket]
) -> None:
    worker.on_air("elsewhere").write([*setup(), *broadcast(0, 1000)])
    handler = SimpleNamespace(preamble=lambda head: head, viewer_gone=lambda *_: None)
    worker.plane.watching.watch("hub", "elsewhere", FLV, Viewer(sockets[0], handler), patience=30)
    report = make_report(worker.plane, 1.0, 1)
    first = by_stream(report)["elsewhere"]
    assert (first.publisher, viewers(report, "elsewhere")) == (None, {"flv": 1})
    assert first.sent_bytes == len(sockets[1].recv(1 << 20))
    report = make_report(worker.plane, 1.0, 1)
    second = by_stream(report)["elsewhere"]
    assert (viewers(report, "elsewhere"), second.sent_bytes) == ({"flv": 1}, 0)


async def test_what_goes_out_by_all_ways_is_one_sum(
    worker: Worker, sockets: tuple[socket.socket, socket.socket]
) -> None:
    publish(worker, "stream")
    playlists: list[bytes | None] = []
    worker.plane.shelf.playlist("hub", "stream", SESSION, "", 20, playlists.append)
    handler = SimpleNamespace(preamble=lambda head: head, viewer_gone=lambda *_: None)
    worker.plane.watching.watch("hub", "stream", FLV, Viewer(sockets[0], handler), patience=30)
    worker._writers[0].write(broadcast(1000, 4000))
    worker.tick()
    worker.plane.shelf.sent("hub", "stream", Way(), 1000)
    report = make_report(worker.plane, 1.0, 1)
    told = by_stream(report)["stream"]
    assert told.publisher is not None
    assert (viewers(report, "stream"), sessions(told)) == ({"flv": 1}, [SESSION])
    assert playlists[0] is not None
    assert told.sent_bytes == len(sockets[1].recv(1 << 20)) + 1000
    assert sessions(by_stream(make_report(worker.plane, 1.0, 1))["stream"]) == []


async def test_refusals_are_told_once(worker: Worker) -> None:
    worker.plane.refused.update({"token_expired": 2, "not_live": 1})
    assert make_report(worker.plane, 1.0, 0).refused == {"token_expired": 2, "not_live": 1}
    assert make_report(worker.plane, 1.0, 0).refused == {}
