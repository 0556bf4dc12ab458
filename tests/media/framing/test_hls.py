"""Segments and their index on disk, which always agree."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcast import broadcast, setup
from oxbow.media.framing import hls
from oxbow.media.framing.hls import HlsOptions, end_playlist, read_index, write_index
from oxbow.media.framing.hls_window import HlsWindow
from oxbow.media.log import LogReader
from oxbow.media.stream import FLV_LOG, StreamOptions, StreamWriter

OPTIONS = StreamOptions(hls=HlsOptions(target_seconds=1.0, window_segments=3))


@pytest.fixture
def writer(shm: Path) -> Iterator[StreamWriter]:
    writer = StreamWriter(shm, OPTIONS)
    want(shm)
    yield writer
    if writer._log.page.fd >= 0:
        writer.leave()


def want(directory: Path, wanted: bool = True) -> None:
    reader = LogReader.open(directory, FLV_LOG)
    assert reader is not None
    reader.page.demand_hls = time.monotonic_ns() + 10**12 if wanted else 0
    reader.close()


def tick(writer: StreamWriter, start: int, end: int) -> None:
    """One tick in which so many milliseconds of media came."""
    writer.write([*setup(), *broadcast(start, end)])
    writer.run_framings()


def index(directory: Path) -> HlsWindow:
    window = read_index(directory / "hls")
    assert window is not None
    assert {f"{entry.sequence}.ts" for entry in window.entries} == segments(directory)
    for entry in window.entries:
        assert (directory / "hls" / f"{entry.sequence}.ts").stat().st_size == entry.size
    return window


def segments(directory: Path) -> set[str]:
    return {path.name for path in (directory / "hls").glob("*.ts")}


def listed(directory: Path) -> list[int]:
    return [entry.sequence for entry in index(directory).listed]


def test_the_index_lists_what_is_there_at_every_moment(writer: StreamWriter, shm: Path) -> None:
    for second in range(20):
        tick(writer, second * 1000, second * 1000 + 1000)
        if second:
            assert listed(shm) == list(range(max(0, second - 3), second))
    assert len(segments(shm)) == 3 + 4, "the listed and the spare ones; nothing is left behind"


def test_the_first_viewer_finds_the_past_cut_already(shm: Path) -> None:
    writer = StreamWriter(shm, OPTIONS)
    tick(writer, 0, 10_000)
    assert not (shm / "hls").exists()
    want(shm)
    tick(writer, 10_000, 10_040)
    assert len(listed(shm)) >= 3
    assert index(shm).playlist().segments[0].program_date_time is not None
    writer.leave()


def test_a_publisher_that_leaves_leaves_a_last_segment(writer: StreamWriter, shm: Path) -> None:
    tick(writer, 0, 2400)
    assert listed(shm) == [0, 1]
    writer.leave()
    assert listed(shm) == [0, 1, 2]
    assert index(shm).entries[-1].duration == pytest.approx(0.4, abs=0.05)


def test_its_successor_goes_on_with_the_list(writer: StreamWriter, shm: Path) -> None:
    tick(writer, 0, 2400)
    writer.leave()
    successor = StreamWriter(shm, OPTIONS)
    for second in range(3):
        tick(successor, second * 1000, second * 1000 + 1000)
    window = index(shm)
    assert [entry.sequence for entry in window.entries] == [0, 1, 2, 3, 4]
    assert [entry.discontinuity for entry in window.entries] == [False, False, False, True, False]
    successor.leave()


def test_when_nobody_asked_for_long_the_old_list_is_history(writer: StreamWriter, shm: Path) -> None:
    """But numbers count on: a player may have been away as long."""
    tick(writer, 0, 3000)
    want(shm, wanted=False)
    tick(writer, 3000, 20_000)
    before = index(shm).entries[-1].sequence
    want(shm)
    tick(writer, 20_000, 20_040)
    first = index(shm).entries[0]
    assert first.sequence == before + 1
    assert first.discontinuity


def test_a_list_that_is_history_is_not_shown_before_there_is_a_new_one(shm: Path) -> None:
    """Players would ask for segments that are gone."""
    writer = StreamWriter(shm, OPTIONS)
    want(shm)
    tick(writer, 0, 3000)
    want(shm, wanted=False)
    for second in range(3, 60):
        tick(writer, second * 1000, second * 1000 + 1000)
    before = index(shm).entries[-1].sequence
    writer._log.shrink()  # there is not enough left for a first segment
    want(shm)
    writer.run_framings()
    assert listed(shm) == []
    tick(writer, 60_000, 61_000)
    assert listed(shm) == [before + 1]
    writer.leave()


def test_a_writer_that_is_killed_leaves_a_list_that_another_process_goes_on_with(shm: Path) -> None:
    """It dies with a segment written that is not listed, and one taken out that is not removed."""
    script = textwrap.dedent("""
        import os, sys, time
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from broadcast import broadcast, setup
        from oxbow.media.framing.hls import HlsOptions
        from oxbow.media.stream import StreamOptions, StreamWriter
        options = StreamOptions(hls=HlsOptions(target_seconds=1.0, window_segments=3))
        writer = StreamWriter(Path(sys.argv[1]), options)
        writer._log.page.demand_hls = time.monotonic_ns() + 10**12
        for second in range(12):
            writer.write([*setup(), *broadcast(second * 1000, second * 1000 + 1000)])
            writer.run_framings()
        (Path(sys.argv[1]) / "hls" / "11.ts").write_bytes(b"half a segm")
        (Path(sys.argv[1]) / "hls" / "0.ts").write_bytes(b"not removed")
        os.kill(os.getpid(), 9)
    """)
    command = [sys.executable, "-c", script, str(shm), str(Path(__file__).parents[2])]
    assert subprocess.run(command, timeout=30).returncode == -signal.SIGKILL
    successor = StreamWriter(shm, OPTIONS)
    tick(successor, 0, 2400)
    numbers = listed(shm)
    assert numbers[-1] >= 11
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    successor.leave()


@pytest.mark.parametrize("failing", [".ts", "index.json.new"])
def test_a_full_memory_costs_segments_and_the_list_begins_anew_behind_them(
    writer: StreamWriter, shm: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """A playlist cannot say that there is a hole in it."""
    tick(writer, 0, 3000)

    def write_bytes(path: Path, data: bytes) -> int:
        written = real(path, data[: len(data) // 2])
        if path.name.endswith(failing):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written + real(path, data)

    real = Path.write_bytes
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        tick(writer, 3000, 4000)
    assert segments(shm) == set()
    tick(writer, 4000, 6000)
    assert listed(shm) == [3, 4]


def test_when_it_is_full_for_good_nothing_is_listed_that_is_not_there(
    writer: StreamWriter, shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(writer, 0, 3000)

    def full(directory: Path, window: HlsWindow) -> None:
        if window.entries:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_index(directory, window)

    with monkeypatch.context() as patch:
        patch.setattr(hls, "write_index", full)
        tick(writer, 3000, 4000)
    assert listed(shm) == []


class TestEnd:
    """The end of a playlist."""

    def test_players_are_told_that_nothing_follows(self, writer: StreamWriter, shm: Path) -> None:
        tick(writer, 0, 3000)
        writer.leave()
        end_playlist(shm)
        assert index(shm).render().endswith("#EXT-X-ENDLIST\n")
        assert listed(shm) == [0, 1, 2]

    def test_once_is_enough(self, writer: StreamWriter, shm: Path) -> None:
        tick(writer, 0, 3000)
        writer.leave()
        end_playlist(shm)
        before = (shm / "hls" / "index.json").stat().st_ino
        end_playlist(shm)
        assert (shm / "hls" / "index.json").stat().st_ino == before

    def test_without_a_playlist_there_is_nothing_to_end(self, shm: Path) -> None:
        end_playlist(shm)
        assert list(shm.iterdir()) == []


class TestIndex:
    """Other processes read it at any moment."""

    def test_it_is_replaced_in_one_step(self, shm: Path) -> None:
        write_index(shm, HlsWindow(length=3))
        with (shm / "index.json").open("rb") as reader:
            write_index(shm, HlsWindow(length=7))
            assert HlsWindow.from_json(reader.read()).length == 3
        window = read_index(shm)
        assert window is not None
        assert window.length == 7

    def test_one_that_is_missing_or_damaged_is_none(self, shm: Path) -> None:
        assert read_index(shm) is None
        (shm / "index.json").write_bytes(b'{"length": ')
        assert read_index(shm) is None
        assert read_index(shm / "index.json") is None
