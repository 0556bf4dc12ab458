"""The control page: numbers that one process publishes and every other one polls."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcast import full_memory
from oxbow.media.page import HEAD_LIMIT, KEY_POINTS, KeyPoint, Page, State
from oxbow.media.shm import PAGE_SIZE


@pytest.fixture
def page(shm: Path) -> Iterator[Page]:
    page = Page.create(shm / "log.page")
    yield page
    page.close()


@pytest.fixture
def reader(page: Page, shm: Path) -> Iterator[Page]:
    reader = Page.open(shm / "log.page")
    assert reader is not None
    yield reader
    reader.close()


def key(number: int) -> KeyPoint:
    return KeyPoint(number * 100, number * 1000, number)


def test_a_new_page_is_new_and_dated(page: Page) -> None:
    assert page.state == State.NEW
    assert (page.epoch, page.end, page.start, page.key_count) == (0, 0, 0, 0)
    assert page.created > 0
    assert (page.head(), page.last_key(), page.key_points()) == (b"", None, [])


def test_what_the_writer_stores_every_reader_sees(page: Page, reader: Page) -> None:
    page.state, page.epoch, page.end, page.timestamp = State.LIVE, 3, 1 << 40, (1 << 32) + 5
    assert (reader.state, reader.epoch, reader.end, reader.timestamp) == (1, 3, 1 << 40, (1 << 32) + 5)
    reader.demand_rtmp = 77  # readers write their demand
    assert page.demand_rtmp == 77


def test_another_process_sees_it_too(page: Page, shm: Path) -> None:
    page.end = 4711
    script = (
        f"from pathlib import Path; from oxbow.media.page import Page;"
        f"page = Page.open(Path({str(shm / 'log.page')!r})); page.demand_hls = page.end"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    assert page.demand_hls == 4711


def test_slots_do_not_overlap(page: Page, reader: Page) -> None:
    names = ["state", "epoch", "end", "start", "timestamp", "demand_rtmp", "demand_hls", "idle_since"]
    names += ["grace_ns", "source"]
    for value, name in enumerate(names, 1):
        setattr(page, name, value)
    page.set_head(b"head")
    for _ in range(KEY_POINTS + 5):
        page.mark_key(KeyPoint(1 << 50, 1 << 50, 1 << 50))
    assert [getattr(reader, name) for name in names] == list(range(1, len(names) + 1))


def test_reopening_keeps_everything(page: Page, shm: Path) -> None:
    page.end, page.state = 100, State.IDLE
    page.mark_key(key(1))
    page.set_head(b"head")
    again = Page.create(shm / "log.page")
    assert (again.end, again.state, again.created) == (100, State.IDLE, page.created)
    assert (again.last_key(), again.head()) == (key(1), b"head")
    again.close()


def test_a_page_that_is_missing_or_not_finished_is_none(shm: Path) -> None:
    assert Page.open(shm / "none.page") is None
    (shm / "cut.page").write_bytes(bytes(PAGE_SIZE - 1))
    assert Page.open(shm / "cut.page") is None
    (shm / "blank.page").write_bytes(bytes(PAGE_SIZE))
    assert Page.open(shm / "blank.page") is None
    descriptors = len(os.listdir("/proc/self/fd"))
    assert Page.open(shm / "blank.page") is None
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_page_that_shared_memory_has_no_room_for_is_an_error_and_not_a_sigbus(
    shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full_memory(monkeypatch), pytest.raises(OSError, match="No space"):
        Page.create(shm / "log.page")
    with full_memory(monkeypatch, short=True), pytest.raises(OSError, match="No space"):
        Page.create(shm / "log.page")
    page = Page.create(shm / "log.page")  # once there is room again
    assert page.state == State.NEW
    page.close()


def test_closing_twice_is_harmless(shm: Path) -> None:
    page = Page.create(shm / "log.page")
    page.close()
    page.close()


class TestKeyPoints:
    """The ring of places where viewers begin."""

    def test_they_come_back_in_order(self, page: Page, reader: Page) -> None:
        for number in range(5):
            page.mark_key(key(number))
        assert reader.key_points() == [key(number) for number in range(5)]
        assert reader.last_key() == key(4)

    @pytest.mark.parametrize("count", [KEY_POINTS - 1, KEY_POINTS, KEY_POINTS + 1, 3 * KEY_POINTS + 7])
    def test_the_ring_wraps(self, page: Page, reader: Page, count: int) -> None:
        """The slot that is filled next is never read: its writer may be in the middle of it."""
        for number in range(count):
            page.mark_key(key(number))
        kept = range(max(0, count - KEY_POINTS + 1), count)
        assert reader.key_points() == [key(number) for number in kept]
        assert reader.last_key() == key(count - 1)

    def test_those_before_the_start_are_not_retained(self, page: Page) -> None:
        for number in range(5):
            page.mark_key(key(number))
        page.start = 250
        assert page.key_points() == [key(3), key(4)]
        page.start = 401
        assert page.key_points() == []
        assert page.last_key() is None

    def test_points_that_are_overwritten_while_they_are_read_are_left_out(
        self, page: Page, reader: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(KEY_POINTS):
            page.mark_key(key(number))
        real = Page._key

        def read(self: Page, number: int) -> KeyPoint:
            if number == 50:  # by now the reader has the first half; the writer overtakes it
                for new in range(KEY_POINTS, KEY_POINTS + 20):
                    page.mark_key(key(new))
            return real(self, number)

        monkeypatch.setattr(Page, "_key", read)
        assert reader.key_points() == [key(number) for number in range(21, KEY_POINTS)]

    def test_a_ring_that_is_not_full_yet_loses_nothing_to_a_busy_writer(
        self, page: Page, reader: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page.mark_key(key(0))
        real = Page._key

        def read(self: Page, number: int) -> KeyPoint:
            page.mark_key(key(1))
            return real(self, number)

        monkeypatch.setattr(Page, "_key", read)
        assert reader.key_points() == [key(0)]


class TestHead:
    """What every viewer gets first."""

    def test_it_is_replaced_as_a_whole(self, page: Page, reader: Page) -> None:
        page.set_head(b"a long head" * 100)
        assert reader.head() == b"a long head" * 100
        page.set_head(b"short")
        assert reader.head() == b"short"
        page.set_head(b"")
        assert reader.head() == b""

    def test_its_version_tells_of_every_change(self, page: Page) -> None:
        versions = [page.head_version]
        for head in (b"a", b"b", b"b"):
            page.set_head(head)
            versions.append(page.head_version)
        assert len(set(versions)) == 4

    def test_it_may_be_large_but_not_endless(self, page: Page, reader: Page) -> None:
        largest = bytes(range(256)) * (HEAD_LIMIT // 256)
        page.set_head(largest)
        page.set_head(largest[::-1])
        assert reader.head() == largest[::-1]
        with pytest.raises(ValueError, match="over the limit of 65536"):
            page.set_head(largest + b"x")
        assert reader.head() == largest[::-1]

    def test_a_reader_never_gets_a_mixture(
        self, page: Page, reader: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page.set_head(b"old head")
        real, changes = os.pread, iter([b"new", b"newer and longer", b"the newest of all"])

        def pread(fd: int, size: int, offset: int) -> bytes:
            half = real(fd, size // 2, offset)
            for change in (next(changes, None), next(changes, None)):
                if change is not None:
                    page.set_head(change)
            return half + real(fd, size - size // 2, offset + size // 2)

        monkeypatch.setattr(os, "pread", pread)
        assert reader.head() == b"the newest of all"

    @pytest.mark.parametrize("short", [False, True])
    def test_one_that_can_not_be_written_leaves_the_old_one(
        self, page: Page, reader: Page, monkeypatch: pytest.MonkeyPatch, short: bool
    ) -> None:
        """Viewers that join while shared memory is full can decode what is there."""
        page.set_head(b"the old head")
        version = reader.head_version
        with full_memory(monkeypatch, short=short), pytest.raises(OSError, match="No space"):
            page.set_head(b"another one")
        assert (reader.head(), reader.head_version) == (b"the old head", version)
        page.set_head(b"another one")
        assert reader.head() == b"another one"
