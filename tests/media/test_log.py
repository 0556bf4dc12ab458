"""The log: it only grows, gives back its past, and survives its writer and a full tmpfs."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcast import full_memory, log_bytes
from oxbow.media import log as log_module
from oxbow.media.log import PUNCH_DELAY_NS, LogFullError, LogReader, LogWriter, Retention
from oxbow.media.shm import PAGE_SIZE

SECOND = 1_000_000_000
TAG = 10_000
"""Bytes of one append in these tests; no multiple of a page."""


class Clock:
    """The monotonic clock, as the log sees it."""

    def __init__(self) -> None:
        self.now = 1000 * SECOND

    def monotonic_ns(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / SECOND


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log_module, "time", clock)
    return clock


def writer(shm: Path, **retention: float) -> LogWriter:
    return LogWriter(shm, "flv", Retention(**retention))  # type: ignore[arg-type]


def memory(shm: Path) -> int:
    return (shm / "flv.log").stat().st_blocks * 512


def append_seconds(log: LogWriter, first: int, last: int) -> None:
    """A key point each second, TAG bytes each."""
    for second in range(first, last):
        log.append([bytes([65 + second % 26]) * TAG], [(0, second * 1000)], second * 1000)


@pytest.fixture
def log(shm: Path, clock: Clock) -> Iterator[LogWriter]:
    log = writer(shm, seconds=5.0)
    yield log
    log.close()


def test_what_is_appended_is_there_at_once_and_in_order(log: LogWriter, shm: Path) -> None:
    log.append([b"one", b"two"], [(0, 10), (3, 20)], 20)
    log.append([b"three"], [], 30)
    reader = LogReader.open(shm, "flv")
    assert reader is not None
    assert reader.read(0, 100) == b"onetwothree"
    assert reader.read(3, 3) == b"two"
    assert reader.read(11, 10) == reader.read(12, 10) == b""
    assert (reader.page.end, reader.page.timestamp) == (11, 30)
    assert [(key.offset, key.timestamp) for key in reader.page.key_points()] == [(0, 10), (3, 20)]
    reader.close()


def test_more_pieces_than_one_system_call_takes(log: LogWriter, shm: Path) -> None:
    pieces = [b"%d," % number for number in range(5000)]
    log.append(pieces, [], 0)
    assert log_bytes(shm) == b"".join(pieces)


def test_there_is_no_reader_before_there_is_a_log(shm: Path) -> None:
    assert LogReader.open(shm, "flv") is None
    assert LogReader.open(shm / "nowhere", "flv") is None
    writer(shm).close()
    (shm / "flv.log").unlink()
    assert LogReader.open(shm, "flv") is None


def test_a_successor_goes_on_at_the_same_offset(log: LogWriter, shm: Path) -> None:
    log.append([b"first "], [(0, 1)], 1)
    log.close()
    successor = writer(shm)
    assert successor.end == 6
    successor.append([b"second"], [(0, 2)], 2)
    assert log_bytes(shm) == b"first second"
    assert [key.offset for key in successor.page.key_points()] == [0, 6]
    successor.close()


def test_a_killed_writers_log_is_whole_up_to_its_end(shm: Path) -> None:
    """It died between writing the bytes and publishing them."""
    script = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from oxbow.media.log import LogWriter, Retention
        log = LogWriter(Path({str(shm)!r}), "flv", Retention())
        log.append([b"whole"], [(0, 7)], 7)
        log._write([b"never published"], log.end)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert subprocess.run([sys.executable, "-c", script], timeout=30).returncode == -signal.SIGKILL
    successor = writer(shm)
    assert (successor.end, successor.page.timestamp) == (5, 7)
    successor.append([b" again"], [], 8)
    assert log_bytes(shm) == b"whole again"
    successor.close()


class TestRetention:
    """What is kept, and when the rest is given back."""

    def test_the_start_is_the_oldest_key_point_within_the_retention(self, log: LogWriter) -> None:
        append_seconds(log, 0, 10)
        log.retain()
        assert log.page.start == 4 * TAG
        assert [key.timestamp for key in log.page.key_points()] == [4000, 5000, 6000, 7000, 8000, 9000]

    def test_bytes_before_an_announced_start_can_be_read_for_a_while(
        self, log: LogWriter, shm: Path, clock: Clock
    ) -> None:
        """A reader has compared its offset with the old start, and sends now."""
        append_seconds(log, 0, 10)
        reader = LogReader.open(shm, "flv")
        assert reader is not None
        log.retain()
        clock.now += PUNCH_DELAY_NS - 1
        log.retain()
        assert os.pread(reader.fd, TAG, 0) == b"A" * TAG
        clock.now += 1
        log.retain()
        assert os.pread(reader.fd, TAG, 0) == bytes(TAG)
        assert reader.read(4 * TAG, TAG) == b"E" * TAG
        reader.close()

    def test_a_start_that_moves_meanwhile_waits_for_its_own_announcement(
        self, log: LogWriter, clock: Clock, shm: Path
    ) -> None:
        append_seconds(log, 0, 10)
        log.retain()
        append_seconds(log, 10, 12)
        clock.now += SECOND
        log.retain()
        assert log.page.start == 4 * TAG
        clock.now += SECOND
        log.retain()  # gives back what was announced, announces more
        assert log.page.start == 6 * TAG
        assert os.pread(log._fd, TAG, 4 * TAG) == b"E" * TAG

    def test_memory_stays_bounded_however_long_it_runs(self, log: LogWriter, shm: Path, clock: Clock) -> None:
        """Not a page is left behind at the seams, which are no multiples of a page."""
        for second in range(300):
            append_seconds(log, second, second + 1)
            clock.now += SECOND
            log.retain()
        # Five seconds and the GOP before them, what waits for its punch, and the pages cut at either end.
        assert memory(shm) <= (5 + 1 + 3) * TAG + 2 * PAGE_SIZE

    def test_nor_is_anything_left_behind_by_writers_that_come_and_go(self, shm: Path, clock: Clock) -> None:
        for second in range(100):
            log = writer(shm, seconds=5.0)
            append_seconds(log, second, second + 1)
            clock.now += SECOND
            log.retain()  # announces, and leaves before it gives back
            log.close()
        log = writer(shm, seconds=5.0)
        append_seconds(log, 100, 101)
        for _ in range(2):
            log.retain()
            clock.now += PUNCH_DELAY_NS
        log.retain()
        assert memory(shm) <= (5 + 1) * TAG + 2 * PAGE_SIZE
        log.close()

    def test_without_a_younger_key_point_the_last_one_stays(self, log: LogWriter) -> None:
        append_seconds(log, 0, 2)
        for second in range(2, 60):
            log.append([b"x" * TAG], [], second * 1000)
        log.retain()
        assert log.page.start == TAG

    def test_the_hard_bound_holds_whatever_the_key_points_say(self, shm: Path, clock: Clock) -> None:
        log = writer(shm, seconds=1000.0, max_bytes=5 * TAG)
        append_seconds(log, 0, 10)
        log.retain()
        assert log.page.start == 5 * TAG
        log.append([b"endless" * TAG], [], 10_000)
        clock.now += PUNCH_DELAY_NS
        log.retain()
        assert log.page.start == log.page.end, "no key point lies within the bound"
        log.close()

    def test_a_log_without_key_points_keeps_its_past_up_to_the_bound(self, shm: Path, clock: Clock) -> None:
        log = writer(shm, seconds=1.0, max_bytes=3 * TAG)
        for _ in range(3):
            log.append([b"x" * TAG], [], 0)
        log.retain()
        assert log.page.start == 0
        log.close()

    def test_forget_gives_everything_back_and_offsets_go_on(self, log: LogWriter, shm: Path) -> None:
        append_seconds(log, 0, 10)
        log.forget()
        assert memory(shm) <= PAGE_SIZE
        assert log.page.last_key() is None
        append_seconds(log, 10, 11)
        key = log.page.last_key()
        assert key is not None
        assert key.offset == 10 * TAG
        assert log_bytes(shm) == b"K" * TAG


class TestFullMemory:
    """Shared memory has no room: frames are lost, the process is not."""

    @pytest.mark.parametrize("short", [False, True], ids=["ENOSPC", "short write"])
    def test_nothing_is_published_of_what_does_not_fit(
        self, log: LogWriter, shm: Path, monkeypatch: pytest.MonkeyPatch, short: bool
    ) -> None:
        log.append([b"before "], [(0, 1)], 1)
        with full_memory(monkeypatch, short=short), pytest.raises(LogFullError):
            log.append([b"lost bytes"], [(0, 2)], 2)
        assert (log.end, log.page.timestamp, log.page.key_count) == (7, 1, 1)
        log.append([b"after"], [(0, 3)], 3)
        assert log_bytes(shm) == b"before after"

    def test_other_errors_are_not_mistaken_for_it(self, log: LogWriter) -> None:
        os.close(log._fd)
        with pytest.raises(OSError, match="Bad file descriptor"):
            log.append([b"x"], [], 0)
        log._fd = -1

    def test_shrinking_keeps_the_last_group_of_pictures(self, log: LogWriter, shm: Path) -> None:
        append_seconds(log, 0, 10)
        before = memory(shm)
        log.shrink()
        assert log.page.start == 9 * TAG
        assert memory(shm) <= TAG + 2 * PAGE_SIZE < before
        assert log_bytes(shm) == b"J" * TAG

    def test_shrinking_without_a_key_point_gives_back_everything(self, log: LogWriter, shm: Path) -> None:
        log.append([b"x" * TAG], [], 0)
        log.shrink()
        assert log.page.start == log.page.end
        assert memory(shm) <= PAGE_SIZE

    @pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs takes root")
    def test_on_a_real_tmpfs_that_is_full(self, tmp_path: Path) -> None:
        """No SIGBUS, and room again after giving back the past."""
        script = textwrap.dedent("""
            import sys
            from pathlib import Path
            from oxbow.media.log import LogFullError, LogWriter, Retention
            log = LogWriter(Path(sys.argv[1]), "flv", Retention())
            fitted = 0
            try:
                while True:
                    log.append([b"x" * 10_000, b"y" * 10_000], [(0, fitted)], fitted)
                    fitted += 1
            except LogFullError:
                pass
            assert 30 < fitted < 60, fitted
            assert log.end == fitted * 20_000, log.end
            log.shrink()
            for again in range(10):
                log.append([b"z" * 10_000], [], fitted)
            log.page.set_head(b"a head")
            print("survived", log.page.head())
        """)
        mounted = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" -c "$3" "$1"'
        run = subprocess.run(
            ["unshare", "-m", "sh", "-c", mounted, "sh", str(tmp_path), sys.executable, script],
            capture_output=True,
            text=True,
            timeout=60,
        )
        if "Operation not permitted" in run.stderr or "permission denied" in run.stderr.lower():
            pytest.skip("this container may not mount")
        assert run.stdout == "survived b'a head'\n", run.stderr
