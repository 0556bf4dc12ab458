"""Who publishes in a worker."""

import socket
from dataclasses import dataclass, field
from typing import Any

from oxbow.media.parameters import MediaParameters
from oxbow.media.probe import Probe
from oxbow.rooms.live.control.messages import LivePublisher, PublishEnded
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.publishing import UNWATCHED_SECONDS, Publishing

TICK = 0.1
UNWATCHED_TICKS = round(UNWATCHED_SECONDS / TICK)


@dataclass
class Link:
    sent: list[object] = field(default_factory=list)

    def send(self, message: object) -> None:
        self.sent.append(message)


@dataclass
class Writer:
    watched: bool = True
    left: int = 0
    probe: Probe = field(default_factory=Probe)
    dropped_bytes: int = 7
    parameters: MediaParameters = field(default_factory=lambda: MediaParameters(1280, 720))

    def is_watched(self) -> bool:
        return self.watched

    def leave(self) -> None:
        self.left += 1


@dataclass
class Publisher:
    """A session that publishes; `error` is raised when it is read."""

    stream: str = "stream"
    session: str = "session"
    room: int = 1 << 20
    size: int = 1000
    received: int = 0
    error: Exception | None = None
    events: list[Any] = field(default_factory=list)
    writer: Any = field(default_factory=Writer)
    sock: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def fd(self) -> int:
        return self.sock.fileno()

    @property
    def info(self) -> LivePublisher:
        return LivePublisher("hub", self.stream, self.session, "", "", 0.0, domain="push.example.com")

    def gather(self) -> int:
        self.events.append("gather")
        if self.error is not None:
            raise self.error
        return self.size

    def second(self) -> None:
        self.events.append("second")

    def cut(self, reason: str) -> None:
        self.events.append(reason)

    def failed(self, error: Exception) -> None:
        self.events.append(error)

    def silent_seconds(self) -> float:
        return 1.5

    def take_received(self) -> int:
        size, self.received = self.received, 0
        return size


def test_one_that_fails_keeps_nobody_from_their_turn() -> None:
    publishing = Publishing(Link(), TICK)  # type: ignore[arg-type]
    failing, fine = Publisher("a", error=RuntimeError()), Publisher("b")
    for publisher in (failing, fine):
        publishing.begin(publisher)
    publishing.gather()
    assert failing.events == ["gather", failing.error]
    assert fine.events == ["gather"]


def test_while_somebody_watches_it_is_read_every_tick_and_else_now_and_then() -> None:
    publishing, publisher = Publishing(Link(), TICK), Publisher()  # type: ignore[arg-type]
    publishing.begin(publisher)
    for _ in range(10):
        publishing.gather()
    assert len(publisher.events) == 10
    publisher.writer.watched = False
    for _ in range(10 * UNWATCHED_TICKS):
        publishing.gather()
    assert len(publisher.events) == 20


def test_one_whose_socket_would_run_full_is_read_in_time() -> None:
    publishing, publisher = Publishing(Link(), TICK), Publisher(room=3000, size=3000)  # type: ignore[arg-type]
    publisher.writer.watched = False
    publishing.begin(publisher)
    for _ in range(10):
        publishing.gather()
    assert len(publisher.events) == 10


def test_its_end_is_told_once_it_has_let_go_of_its_log() -> None:
    link, publisher = Link(), Publisher()
    publishing = Publishing(link, TICK)  # type: ignore[arg-type]
    publishing.begin(publisher)
    publishing.end(publisher.info, "finished")
    assert publisher.writer.left == 1
    assert link.sent == [PublishEnded("hub", "stream", "session", "finished")]
    assert publishing.infos() == []


def test_the_end_of_one_that_was_replaced_does_not_end_the_other() -> None:
    link, later = Link(), Publisher(session="later")
    publishing = Publishing(link, TICK)  # type: ignore[arg-type]
    publishing.begin(later)
    publishing.end(Publisher(session="earlier").info, "no_room")
    assert later.writer.left == 0
    assert publishing.infos() == [later.info]
    assert len(link.sent) == 1


def test_a_cut_reaches_the_publisher_that_is_here() -> None:
    publishing, publisher = Publishing(Link(), TICK), Publisher()  # type: ignore[arg-type]
    publishing.begin(publisher)
    publishing.cut("hub", "stream", "disabled")
    publishing.cut("hub", "another", "disabled")
    publishing.second()
    assert publisher.events == ["disabled", "second"]


def test_figures_name_the_session_they_are_of() -> None:
    publishing = Publishing(Link(), TICK)  # type: ignore[arg-type]
    publishing.begin(Publisher())
    figures = publishing.figures()["hub", "stream"]
    assert (figures.session, figures.silent_seconds, figures.dropped_bytes) == ("session", 1.5, 7)
    assert figures.media == MediaParameters(1280, 720)


def test_media_are_told_when_they_change_and_to_a_control_that_knows_nothing() -> None:
    publishing, publisher = Publishing(Link(), TICK), Publisher()  # type: ignore[arg-type]
    publishing.begin(publisher)

    def told() -> MediaParameters | None:
        return publishing.figures()["hub", "stream"].media

    first, second = MediaParameters(1280, 720), MediaParameters(640, 360)
    assert [told(), told()] == [first, None]
    publisher.writer.parameters = second
    assert [told(), told()] == [second, None]
    publishing.tell_anew()
    assert [told(), told()] == [second, None]


def test_what_came_is_told_once_also_of_one_that_has_gone_since() -> None:
    publishing = Publishing(Link(), TICK)  # type: ignore[arg-type]
    staying, leaving = Publisher("a", received=10), Publisher("b", received=5)
    for publisher in (staying, leaving):
        publishing.begin(publisher)
    publishing.end(leaving.info, "finished")
    way = Way("push.example.com")
    assert publishing.received() == {
        ("hub", "a"): [("rtmp", way, 10)],
        ("hub", "b"): [("rtmp", way, 5)],
    }
    assert publishing.received() == {}


def test_a_domain_is_cut_off_with_who_publishes_by_it() -> None:
    publishing, publisher = Publishing(Link(), TICK), Publisher()  # type: ignore[arg-type]
    publishing.begin(publisher)
    publishing.cut_off({"other.example.com"}, "domain_disabled")
    assert publisher.events == []
    publishing.cut_off({"push.example.com"}, "domain_disabled")
    assert publisher.events == ["domain_disabled"]
