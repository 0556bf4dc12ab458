"""The table of what is live, as control keeps it from the workers' reports."""

from dataclasses import dataclass

import pytest

from oxbow.media.parameters import MediaParameters
from oxbow.rooms.live.audience import BANDWIDTH_SECONDS, HLS_VIEWER_SECONDS, Crowd
from oxbow.rooms.live.board import LiveBoard, LiveInfo, OnAir
from oxbow.rooms.live.control.messages import Figures, Kind, LivePublisher, Report, Share, StreamReport
from reports import players_of_hls, report_of, share_of, viewers_of


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> LiveBoard:
    return LiveBoard(clock)


def on_air(stream: str, *, hub: str = "hub", session: str = "session", worker: int = 0) -> OnAir:
    return OnAir(worker, LivePublisher(hub, stream, session, "1.1.1.1:5", "2.2.2.2:1935", 1_700_000_000.9))


def figures(session: str = "session", media: MediaParameters | None = None) -> Figures:
    return Figures(session, 8000, 6000, 2000, 25, 43, 1, 2000, 1500, 0.0, 0, media)


def watched(stream: str, *shares: Share) -> Report:
    return report_of(StreamReport("hub", stream, shares=list(shares)))


class TestPublishers:
    """Who is on air."""

    def test_a_stream_is_live_from_its_publisher_to_the_next_word_of_its_end(self, board: LiveBoard) -> None:
        board.put(on_air("a"))
        assert board.info("hub", "a") == LiveInfo(1_700_000_000, "1.1.1.1:5", "2.2.2.2:1935")
        removed = board.remove("hub", "a", "session")
        assert removed is not None
        assert (board.get("hub", "a"), board.info("hub", "a"), board.all()) == (None, None, [])

    def test_an_earlier_publishers_end_does_not_end_the_later_one(self, board: LiveBoard) -> None:
        board.put(on_air("a", session="first"))
        board.put(on_air("a", session="second"))
        assert board.remove("hub", "a", "first") is None
        assert board.live_names("hub") == ["a"]

    def test_figures_come_from_the_publisher_and_from_nobody_else(self, board: LiveBoard) -> None:
        board.put(on_air("a"))
        board.report(0, report_of(StreamReport("hub", "a", figures("an earlier one"))))
        assert board.info("hub", "a") == LiveInfo(1_700_000_000, "1.1.1.1:5", "2.2.2.2:1935")
        board.report(0, report_of(StreamReport("hub", "a", figures())))
        info = board.info("hub", "a")
        assert info is not None
        assert (info.bps, info.video_bps, info.audio_bps) == (8000, 6000, 2000)
        assert (info.video_fps, info.audio_fps, info.data_fps) == (25, 43, 1)
        assert (info.max_gop_ms, info.avg_gop_ms) == (2000, 1500)

    def test_what_its_media_are_stays_known_while_nothing_new_is_told(self, board: LiveBoard) -> None:
        board.put(on_air("a"))
        media = MediaParameters(1280, 720)
        board.report(0, report_of(StreamReport("hub", "a", figures(media=media))))
        board.report(0, report_of(StreamReport("hub", "a", figures())))
        details = board.details("hub", "a")
        assert details is not None
        assert (details.media, board.media("hub", "a")) == (media, media)
        assert board.media("hub", "b") == MediaParameters()

    def test_a_dead_worker_takes_its_publishers_along(self, board: LiveBoard) -> None:
        board.put(on_air("a", worker=0))
        board.put(on_air("b", worker=1))
        assert [lost.publisher.stream for lost in board.drop_worker(0)] == ["a"]
        assert board.live_names("hub") == ["b"]


class TestNames:
    """What is live in a hub."""

    def test_they_are_sorted_and_of_this_hub_only(self, board: LiveBoard) -> None:
        for name in ("b", "a", "c"):
            board.put(on_air(name))
        board.put(on_air("other", hub="another"))
        assert board.live_names("hub") == ["a", "b", "c"]
        assert board.live_names("nothing") == []

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("", ["cam", "cam-1", "cam-2", "dam", "\u4e2d"]),
            ("cam", ["cam", "cam-1", "cam-2"]),
            ("cam-", ["cam-1", "cam-2"]),
            ("cam-2", ["cam-2"]),
            ("d", ["dam"]),
            ("\u4e2d", ["\u4e2d"]),
            ("x", []),
            ("cam-1x", []),
        ],
    )
    def test_by_prefix(self, board: LiveBoard, prefix: str, expected: list[str]) -> None:
        for name in ("dam", "cam-2", "cam", "\u4e2d", "cam-1"):
            board.put(on_air(name))
        assert board.live_names("hub", prefix) == expected


class TestViewers:
    """Who watches, on whichever worker."""

    def test_those_of_all_workers_are_added_up(self, board: LiveBoard) -> None:
        board.put(on_air("a"))
        board.report(0, watched("a", viewers_of("flv", 2), viewers_of("rtmp", 1)))
        board.report(1, watched("a", viewers_of("flv", 3), viewers_of("ws", 4)))
        assert board.viewers("hub", "a") == {"flv": 5, "rtmp": 1, "ws": 4}
        assert board.all_viewers() == {"flv": 5, "rtmp": 1, "ws": 4, "hls": 0}
        info = board.info("hub", "a")
        assert info is not None
        assert info.play_count == 10

    def test_they_are_told_by_domain_protocol_area_and_operator(self, board: LiveBoard, clock: Clock) -> None:
        board.put(on_air("a"))
        near, far = Kind("d.example.com", "flv", "cn", "x"), Kind("d.example.com", "flv", "am", "")
        board.report(0, watched("a", share_of(near, 2, 500), share_of(far, 1, 100)))
        board.report(1, watched("a", share_of(near, 3, 500)))
        listeners = share_of(Kind("d.example.com", "hls", "hk", ""), 0, 50, ["one", "two"])
        board.report(2, watched("a", listeners))
        assert board.crowds("hub", "a") == {
            near: Crowd(5, 1000 * 8 // BANDWIDTH_SECONDS),
            far: Crowd(1, 100 * 8 // BANDWIDTH_SECONDS),
            Kind("d.example.com", "hls", "hk", ""): Crowd(2, 50 * 8 // BANDWIDTH_SECONDS),
        }
        assert board.viewers_by_area() == {"cn": 5, "am": 1, "hk": 2}
        clock.now += HLS_VIEWER_SECONDS
        assert board.crowds("hub", "a") == {near: Crowd(5, 0), far: Crowd(1, 0)}

    def test_a_report_stands_for_everything_its_worker_carries(self, board: LiveBoard) -> None:
        board.report(0, watched("a", viewers_of("flv", 2)))
        board.report(0, watched("b", viewers_of("flv", 1)))
        assert (board.viewers("hub", "a"), board.viewers("hub", "b")) == ({}, {"flv": 1})

    def test_a_dead_workers_viewers_are_gone(self, board: LiveBoard) -> None:
        board.report(0, watched("a", viewers_of("flv", 2)))
        board.report(1, watched("a", viewers_of("flv", 1)))
        board.drop_worker(0)
        assert board.viewers("hub", "a") == {"flv": 1}

    def test_an_hls_viewer_counts_once_whichever_workers_it_asks(
        self, board: LiveBoard, clock: Clock
    ) -> None:
        board.report(0, watched("a", players_of_hls(["x", "y"])))
        board.report(1, watched("a", players_of_hls(["y", "z"])))
        assert board.viewers("hub", "a") == {"hls": 3}

    def test_and_until_it_has_not_asked_for_a_while(self, board: LiveBoard, clock: Clock) -> None:
        board.report(0, watched("a", players_of_hls(["x", "y"])))
        clock.now += HLS_VIEWER_SECONDS - 1
        board.report(1, watched("a", players_of_hls(["y"])))
        clock.now += 1
        assert board.viewers("hub", "a") == {"hls": 1}
        clock.now += HLS_VIEWER_SECONDS
        assert board.viewers("hub", "a") == {}

    def test_nothing_is_kept_of_streams_that_nobody_watches_any_more(
        self, board: LiveBoard, clock: Clock
    ) -> None:
        for number in range(100):
            board.report(0, watched(f"{number}", players_of_hls(["x"], 1)))
        clock.now += HLS_VIEWER_SECONDS
        board.report(0, report_of())
        assert board._audiences == {}

    def test_bandwidth_is_the_mean_over_the_last_seconds(self, board: LiveBoard, clock: Clock) -> None:
        board.put(on_air("a"))
        for _ in range(BANDWIDTH_SECONDS):
            board.report(0, watched("a", viewers_of("flv", 0, 1000)))
            board.report(1, watched("a", viewers_of("flv", 0, 500)))
            clock.now += 1
        info = board.info("hub", "a")
        assert info is not None
        assert info.bandwidth == 1500 * 8 * (BANDWIDTH_SECONDS - 1) // BANDWIDTH_SECONDS
        clock.now += BANDWIDTH_SECONDS
        info = board.info("hub", "a")
        assert info is not None
        assert info.bandwidth == 0


async def test_a_cut_is_carried_out_by_whoever_can(board: LiveBoard) -> None:
    await board.cut("hub", "a", "nobody is there")
    cuts = []

    async def cutter(hub: str, stream: str, reason: str, *, viewers: bool = True) -> None:
        cuts.append((hub, stream, reason))

    board.on_cut(cutter)
    await board.cut("hub", "a", "disabled")
    assert cuts == [("hub", "a", "disabled")]
