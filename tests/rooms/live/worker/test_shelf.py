"""HLS in a worker: playlists, segments, and who counts as a viewer."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broadcast import broadcast, setup
from oxbow.media.framing.hls import HlsOptions, end_playlist
from oxbow.media.page import State
from oxbow.media.registry import Registry
from oxbow.media.stream import StreamOptions, StreamWriter
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.shelf import FORGET_SECONDS, SESSION, HlsShelf

OPTIONS = StreamOptions(hls=HlsOptions(target_seconds=1.0))
SESSION_1, SESSION_2 = "1" * 16, "2" * 16


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Player:
    """Somebody who asks, and what was answered."""

    shelf: HlsShelf
    answers: list[bytes | None] = field(default_factory=list)

    def ask(self, session: str | None = None, query: str = "", patience: float = 20) -> list[bytes | None]:
        self.shelf.playlist("hub", "stream", session, query, patience, self.answers.append)
        return self.answers

    def text(self, session: str | None = None, query: str = "") -> str:
        answer = self.ask(session, query)[-1]
        assert answer is not None
        return answer.decode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(shm: Path) -> Registry:
    return Registry(shm)


@pytest.fixture
def shelf(registry: Registry, clock: Clock) -> HlsShelf:
    return HlsShelf(registry, clock)


@pytest.fixture
def player(shelf: HlsShelf) -> Player:
    return Player(shelf)


@pytest.fixture
def writer(registry: Registry, player: Player) -> Iterator[StreamWriter]:
    """On air, and somebody has asked for HLS already."""
    writer = registry.writer("hub", "stream", OPTIONS)
    player.ask()
    writer.write([*setup(), *broadcast(0, 3000)])
    writer.run_framings()
    player.shelf.serve()
    yield writer
    if writer._log.page.fd >= 0:
        writer.leave()


def test_the_first_request_waits_for_the_first_segment(player: Player, registry: Registry) -> None:
    assert player.ask() == []
    writer = registry.writer("hub", "stream", OPTIONS)
    player.shelf.serve()
    assert player.answers == []
    writer.write([*setup(), *broadcast(0, 3000)])
    writer.run_framings()
    player.shelf.serve()
    assert len(player.answers) == 1
    writer.leave()


def test_it_gets_a_master_playlist_with_a_session_of_its_own(player: Player, writer: StreamWriter) -> None:
    texts = {player.text(query="token=a"), player.text(query="token=a")}
    sessions = {re.findall(r"session=(\w+)", text)[0] for text in texts}
    assert len(sessions) == 2
    for text in texts:
        assert "#EXT-X-STREAM-INF:BANDWIDTH=" in text
        assert re.search(r"\nstream\.m3u8\?token=a&session=[0-9a-f]{16}\n", text)


def test_with_the_session_it_gets_the_media_playlist(player: Player, writer: StreamWriter) -> None:
    text = player.text(SESSION_1)
    life = f"{writer._log.page.created // 1_000_000:x}"
    assert re.findall(r"\nstream/(.*)\n", text) == [f"{life}-{n}.ts?session={SESSION_1}" for n in range(2)]
    assert player.text(SESSION_2) == text.replace(SESSION_1, SESSION_2)
    assert SESSION.fullmatch(SESSION_1)


def test_segments_are_handed_out_and_only_those_of_this_life(
    shelf: HlsShelf, player: Player, writer: StreamWriter
) -> None:
    life, name = re.findall(r"stream/(\w+)-(\d+)\.ts", player.text(SESSION_1))[0]
    found = shelf.segment("hub", "stream", life, int(name), SESSION_1)
    assert found is not None
    fd, size = found
    data = os.read(fd, size + 1)
    os.close(fd)
    assert (len(data), data[0]) == (size, 0x47)
    assert shelf.segment("hub", "stream", "abc", int(name), None) is None
    assert shelf.segment("hub", "stream", life, 4711, None) is None
    assert shelf.segment("hub", "nothing", life, 0, None) is None


def test_a_player_is_told_when_it_has_waited_long_enough(player: Player, clock: Clock) -> None:
    player.ask(patience=5)
    clock.now += 5
    player.shelf.serve()
    assert player.answers == []
    clock.now += 0.1
    player.shelf.serve()
    assert player.answers == [None]


def test_one_who_has_gone_is_not_answered(shelf: HlsShelf, player: Player, registry: Registry) -> None:
    answer = player.answers.append
    shelf.playlist("hub", "stream", None, "", 20, answer)
    shelf.forget("hub", "stream", answer)
    shelf.cut("hub", "stream")
    assert player.answers == []


def test_a_cut_turns_those_who_wait_away(shelf: HlsShelf, player: Player) -> None:
    player.ask()
    shelf.cut("hub", "stream")
    assert player.answers == [None]
    shelf.cut("hub", "stream")


def test_an_ended_streams_playlist_says_so_and_its_successor_has_another(
    shelf: HlsShelf, player: Player, writer: StreamWriter, registry: Registry
) -> None:
    before = player.text(SESSION_1)
    writer._log.page.state = State.ENDED
    writer.leave()
    page = registry.reader("hub", "stream")
    assert page is not None
    page.page.state = State.ENDED
    page.close()
    end_playlist(registry.directory("hub", "stream"))
    assert player.text(SESSION_1).endswith("#EXT-X-ENDLIST\n")
    successor = registry.writer("hub", "stream", OPTIONS)
    asked = Player(shelf)
    assert asked.ask(SESSION_1) == []
    successor.write([*setup(), *broadcast(0, 3000)])
    successor.run_framings()
    shelf.serve()
    (answer,) = asked.answers
    assert answer is not None
    lives = [re.findall(r"stream/(\w+)-", text)[0] for text in (before, answer.decode())]
    assert lives[0] != lives[1], "caches on the way must not take one for the other"
    successor.leave()


def test_one_session_is_one_viewer_whatever_it_asks(
    shelf: HlsShelf, player: Player, writer: StreamWriter
) -> None:
    shelf.figures()
    for session in (SESSION_1, SESSION_1, SESSION_2):
        player.text(session)
    share = shelf.figures()["hub", "stream"][Way()]
    assert sorted(share.sessions) == [SESSION_1, SESSION_2]
    assert shelf.figures() == {}


def test_what_left_is_told_once_and_by_the_way_of_those_it_went_to(
    shelf: HlsShelf, player: Player, writer: StreamWriter
) -> None:
    shelf.figures()
    here, there = Way("a.example.com", "cn"), Way("a.example.com", "hk")
    for way, size in ((here, 10), (there, 5), (here, 7)):
        shelf.sent("hub", "stream", way, size)
    told = shelf.figures()["hub", "stream"]
    assert {way: share.sent_bytes for way, share in told.items()} == {here: 17, there: 5}
    assert shelf.figures() == {}


def test_a_stream_that_nobody_asks_for_is_forgotten(
    shelf: HlsShelf, player: Player, writer: StreamWriter, clock: Clock
) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    clock.now += FORGET_SECONDS + 1
    shelf.second()
    assert len(os.listdir("/proc/self/fd")) < descriptors
    assert player.text(SESSION_1), "and found again"
