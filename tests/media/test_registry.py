"""Where the streams are, and what becomes of those that nobody publishes any more."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcast import broadcast, full_memory, setup
from oxbow.media import registry as registry_module
from oxbow.media.framing.hls import HlsOptions, read_index
from oxbow.media.page import State
from oxbow.media.registry import LINGER_NS, Registry
from oxbow.media.stream import StreamOptions, StreamWriter

GRACE_NS = 3_000_000_000
OPTIONS = StreamOptions(grace_seconds=3.0, hls=HlsOptions(target_seconds=1.0))


class Clock:
    """The monotonic clock, as the registry sees it; it begins with the real one."""

    def __init__(self, start: int) -> None:
        self.now = start

    def monotonic_ns(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(registry_module.time.monotonic_ns())
    monkeypatch.setattr(registry_module, "time", clock)
    return clock


@pytest.fixture
def registry(shm: Path) -> Registry:
    return Registry(shm / "streams")


@pytest.fixture
def writer(registry: Registry) -> Iterator[StreamWriter]:
    writer = registry.writer("hub", "stream", OPTIONS)
    writer.write([*setup(), *broadcast(0, 5000)])
    yield writer
    if writer._log.page.fd >= 0:
        writer.leave()


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a/b", "/etc", "a\0b", ".hidden"])
def test_no_name_leads_out_of_its_place(registry: Registry, name: str) -> None:
    with pytest.raises(ValueError, match="not a name of a hub or stream"):
        registry.directory("hub", name)
    with pytest.raises(ValueError, match="not a name of a hub or stream"):
        registry.directory(name, "stream")


def test_readers_find_what_is_published(registry: Registry, writer: StreamWriter) -> None:
    assert registry.streams() == [("hub", "stream")]
    reader = registry.reader("hub", "stream")
    assert reader is not None
    assert registry.is_current("hub", "stream", reader)
    assert registry.reader("hub", "another") is None
    reader.close()


def test_without_a_root_there_are_no_streams(registry: Registry) -> None:
    assert registry.streams() == []
    assert registry.reader("hub", "stream") is None
    assert registry.expire("hub", "stream"), "what is not there has expired"


def test_what_does_not_belong_there_is_overlooked(registry: Registry, shm: Path) -> None:
    (shm / "streams").mkdir()
    (shm / "streams" / "file").write_text("no hub")
    assert registry.streams() == []


def test_an_ended_stream_is_only_for_those_who_ask_for_it(registry: Registry, writer: StreamWriter) -> None:
    writer._log.page.state = State.ENDED
    assert registry.reader("hub", "stream") is None
    reader = registry.reader("hub", "stream", with_ended=True)
    assert reader is not None
    reader.close()


def test_a_reader_notices_that_its_stream_has_a_successor(registry: Registry, writer: StreamWriter) -> None:
    reader = registry.reader("hub", "stream")
    assert reader is not None
    writer._log.page.state = State.ENDED
    writer._log.close()
    successor = registry.writer("hub", "stream", OPTIONS)
    assert not registry.is_current("hub", "stream", reader)
    registry.clear()
    assert not registry.is_current("hub", "stream", reader)
    assert registry.streams() == []
    reader.close()
    successor.leave()


class TestExpire:
    """The way of a stream that lost its publisher: idle, ended, gone."""

    def test_a_live_writer_is_left_alone(
        self, registry: Registry, writer: StreamWriter, clock: Clock
    ) -> None:
        clock.now += 10 * (GRACE_NS + LINGER_NS)
        assert not registry.expire("hub", "stream")
        assert writer._log.page.state == State.LIVE

    def test_a_writer_that_left_may_come_back_within_its_grace_time(
        self, registry: Registry, writer: StreamWriter, clock: Clock
    ) -> None:
        writer.leave()
        clock.now += GRACE_NS - 1_000_000_000
        assert not registry.expire("hub", "stream")
        successor = registry.writer("hub", "stream", OPTIONS)
        assert successor.resumed
        successor.leave()

    def test_then_the_stream_ends_with_its_playlist_and_some_time_later_it_goes(
        self, registry: Registry, writer: StreamWriter, clock: Clock
    ) -> None:
        writer._log.page.demand_hls = clock.now + 10**12
        writer.run_framings()
        reader = registry.reader("hub", "stream")
        assert reader is not None
        writer.leave()
        clock.now = reader.page.idle_since + GRACE_NS
        assert not registry.expire("hub", "stream")
        assert reader.page.state == State.ENDED
        index = read_index(registry.directory("hub", "stream") / "hls")
        assert index is not None
        assert index.ended
        clock.now += LINGER_NS - 1
        assert not registry.expire("hub", "stream")
        clock.now += 1
        assert registry.expire("hub", "stream")
        assert registry.streams() == []
        assert reader.read(0, 10), "who reads it still, can"
        reader.close()

    def test_a_killed_writer_is_noticed_by_its_lock(
        self, registry: Registry, shm: Path, clock: Clock
    ) -> None:
        script = (
            "import os, sys; from pathlib import Path; from oxbow.media.registry import Registry;"
            "from oxbow.media.stream import StreamOptions;"
            "writer = Registry(Path(sys.argv[1])).writer('hub', 'stream', StreamOptions(grace_seconds=3.0));"
            "os.kill(os.getpid(), 9)"
        )
        subprocess.run([sys.executable, "-c", script, str(shm / "streams")], timeout=30)
        reader = registry.reader("hub", "stream")
        assert reader is not None
        assert reader.page.state == State.LIVE
        clock.now += 60 * 10**9  # nobody looked for a minute: the grace time begins now
        registry.expire("hub", "stream")
        assert reader.page.state == State.IDLE
        clock.now += GRACE_NS
        registry.expire("hub", "stream")
        assert reader.page.state == State.ENDED
        clock.now += LINGER_NS
        assert registry.expire("hub", "stream")
        reader.close()

    def test_one_that_never_began_goes_too(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shared memory was full when its writer came: there is a page without a page in it."""
        with full_memory(monkeypatch), pytest.raises(OSError, match="No space"):
            registry.writer("hub", "stream", OPTIONS)
        assert registry.streams() == [("hub", "stream")]
        assert registry.expire("hub", "stream")
        assert registry.streams() == []
        registry.directory("hub", "stream").mkdir()  # or not even that
        assert registry.expire("hub", "stream")

    def test_looking_leaves_nothing_open(
        self, registry: Registry, writer: StreamWriter, clock: Clock
    ) -> None:
        descriptors = len(os.listdir("/proc/self/fd"))
        registry.expire("hub", "stream")
        assert len(os.listdir("/proc/self/fd")) == descriptors
