"""Who watches what: waiting, being let in, and the several ways to leave."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broadcast import broadcast, flv_file, is_key, rtmp_messages, setup
from oxbow.media.fanout import FanoutLimits
from oxbow.media.formats import FLV, RTMP
from oxbow.media.page import State
from oxbow.media.registry import Registry
from oxbow.media.stream import StreamOptions, StreamWriter
from oxbow.media.viewer import Viewer
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.watching import Watching


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Client:
    near: socket.socket
    far: socket.socket
    gone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.near.setblocking(False)
        self.far.setblocking(False)
        self.viewer = Viewer(self.near, self)

    def preamble(self, head: bytes) -> bytes:
        return head

    def viewer_gone(self, viewer: Viewer, reason: str) -> None:
        self.gone.append(reason)

    def read(self) -> bytes:
        data = bytearray()
        try:
            while piece := self.far.recv(1 << 16):
                data += piece
        except BlockingIOError:
            pass
        return bytes(data)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(shm: Path) -> Registry:
    return Registry(shm)


@pytest.fixture
def watching(registry: Registry, clock: Clock) -> Watching:
    return Watching(registry, FanoutLimits(), clock=clock)


@pytest.fixture
def connect() -> Iterator[Callable[[], Client]]:
    clients: list[Client] = []

    def make() -> Client:
        clients.append(Client(*socket.socketpair()))
        return clients[-1]

    yield make
    for client in clients:
        client.near.close()
        client.far.close()


Connect = Callable[[], Client]


@pytest.fixture
def on_air(registry: Registry) -> Iterator[Callable[[], StreamWriter]]:
    """Brings the stream on air, with a second of media."""
    writers: list[StreamWriter] = []

    def begin() -> StreamWriter:
        writer = registry.writer("hub", "stream", StreamOptions())
        writers.append(writer)
        writer.write([*setup(), *broadcast(0, 1000)])
        return writer

    yield begin
    for writer in writers:
        if writer._log.page.fd >= 0:
            writer.leave()


OnAir = Callable[[], StreamWriter]


def test_a_viewer_of_a_live_stream_is_let_in_at_once(
    watching: Watching, connect: Connect, on_air: OnAir
) -> None:
    on_air()
    client = connect()
    watching.watch("hub", "stream", FLV, client.viewer, patience=30)
    watching.serve()
    tags = flv_file(client.read())
    assert [tag.type for tag in tags[:3]] == [18, 9, 8]
    assert any(map(is_key, tags))


def test_one_who_comes_early_waits_for_the_first_keyframe(
    watching: Watching, connect: Connect, registry: Registry
) -> None:
    client = connect()
    watching.watch("hub", "stream", FLV, client.viewer, patience=30)
    watching.serve()
    writer = registry.writer("hub", "stream", StreamOptions())
    writer.write(setup())
    watching.serve()
    assert (client.read(), client.gone) == (b"", [])
    writer.write(broadcast(0, 1000))
    watching.serve()
    assert any(map(is_key, flv_file(client.read())))
    writer.leave()


def test_but_not_for_ever(watching: Watching, connect: Connect, clock: Clock) -> None:
    client = connect()
    watching.watch("hub", "stream", FLV, client.viewer, patience=30)
    clock.now += 30
    watching.second()
    assert client.gone == []
    clock.now += 0.1
    watching.second()
    assert client.gone == ["not_live"]


def test_one_who_leaves_while_waiting_is_forgotten(
    watching: Watching, connect: Connect, on_air: OnAir
) -> None:
    client = connect()
    watching.watch("hub", "stream", FLV, client.viewer, patience=30)
    assert not watching.say(client.viewer, b"pong"), "it does not watch yet"
    watching.leave(client.viewer)
    on_air()
    watching.serve()
    assert (client.read(), client.gone) == (b"", [])


def test_rtmp_is_framed_once_somebody_wants_it(watching: Watching, connect: Connect, on_air: OnAir) -> None:
    writer, client = on_air(), connect()
    watching.watch("hub", "stream", RTMP, client.viewer, patience=30)
    writer.run_framings()
    watching.serve()
    messages = rtmp_messages(client.read())
    assert any(map(is_key, messages))
    assert {message.stream_id for message in messages} == {1}


def test_a_cut_shows_everybody_out_those_who_wait_too(
    watching: Watching, connect: Connect, on_air: OnAir
) -> None:
    on_air()
    inside, waiting, elsewhere = connect(), connect(), connect()
    watching.watch("hub", "stream", FLV, inside.viewer, patience=30)
    watching.watch("hub", "stream", RTMP, waiting.viewer, patience=30)
    watching.watch("hub", "other", FLV, elsewhere.viewer, patience=30)
    watching.cut("hub", "stream", "disabled")
    assert (inside.gone, waiting.gone, elsewhere.gone) == (["disabled"], ["disabled"], [])


def test_viewers_stay_while_their_publisher_may_come_back(
    watching: Watching, connect: Connect, on_air: OnAir
) -> None:
    writer, client = on_air(), connect()
    watching.watch("hub", "stream", FLV, client.viewer, patience=30)
    watching.serve()
    client.read()
    writer.leave()
    watching.serve()
    on_air()
    watching.serve()
    assert client.gone == []
    assert client.read()


@pytest.mark.parametrize("framed", [True, False], ids=["watching", "waiting for the framing"])
def test_when_a_stream_has_ended_its_successor_is_for_those_who_come_then(
    watching: Watching, connect: Connect, on_air: OnAir, framed: bool
) -> None:
    first, early = on_air(), connect()
    watching.watch("hub", "stream", RTMP, early.viewer, patience=30)
    if framed:
        first.run_framings()
    watching.serve()
    first._log.page.state = State.ENDED
    first._log.close()
    watching.serve()
    assert early.gone == (["ended"] if framed else [])
    second, late = on_air(), connect()
    watching.watch("hub", "stream", RTMP, late.viewer, patience=30)
    for _ in range(3):
        watching.serve()
        second.run_framings()
    watching.serve()
    assert any(map(is_key, rtmp_messages(late.read())))
    if not framed:
        assert any(map(is_key, rtmp_messages(early.read())))


def test_every_byte_is_reported_once_also_of_those_who_left(
    watching: Watching, connect: Connect, on_air: OnAir
) -> None:
    writer, client = on_air(), connect()
    watching.watch("hub", "stream", FLV, client.viewer, patience=30)
    watching.serve()
    figures = watching.figures()["hub", "stream"]
    received = len(client.read())
    assert figures.tallies == [("flv", [(None, 1, received)])]
    assert watching.figures()["hub", "stream"].tallies == [("flv", [(None, 1, 0)])]
    writer.write(broadcast(1000, 2000))
    watching.serve()
    watching.leave(client.viewer)
    watching.second()
    figures = watching.figures()["hub", "stream"]
    assert figures.tallies == [("flv", [(None, 0, len(client.read()))])]
    assert watching.figures() == {}


def test_a_domain_is_cut_off_with_all_who_came_by_it(
    watching: Watching, connect: Connect, on_air: OnAir
) -> None:
    on_air()
    cut, waits, stays = connect(), connect(), connect()
    for client, stream, domain in (
        (cut, "stream", "a.com"),
        (waits, "later", "a.com"),
        (stays, "stream", ""),
    ):
        client.viewer.kind = Way(domain)
        watching.watch("hub", stream, FLV, client.viewer, patience=30)
    watching.cut_off({"a.com"}, "domain_disabled")
    assert (cut.gone, waits.gone, stays.gone) == (["domain_disabled"], ["domain_disabled"], [])
    watching.serve()
    assert any(map(is_key, flv_file(stays.read())))
