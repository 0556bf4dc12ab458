"""The stream in RTMP chunks: the same media, byte for byte what every player is sent."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast import (
    OTHER_AVC,
    broadcast,
    flv_file,
    flv_tags,
    full_memory,
    is_key,
    log_bytes,
    picture,
    picture_setup,
    rtmp_messages,
    same_media,
    setup,
)
from oxbow.media.formats import RTMP
from oxbow.media.framing.rtmp import RTMP_LOG, frame, message_size
from oxbow.media.log import LogReader
from oxbow.media.page import State
from oxbow.media.stream import FLV_LOG, StreamOptions, StreamWriter
from oxbow.proto import flv
from oxbow.proto.rtmp.chunks import OUT_CHUNK_SIZE


class Demand:
    """Somebody who wants RTMP, or does not."""

    def __init__(self, directory: Path) -> None:
        reader = LogReader.open(directory, FLV_LOG)
        assert reader is not None
        self.source = reader

    def begin(self) -> None:
        self.source.page.demand_rtmp = time.monotonic_ns() + 10**12

    def lapse(self) -> None:
        self.source.page.demand_rtmp = 0


@pytest.fixture
def writer(shm: Path) -> Iterator[StreamWriter]:
    writer = StreamWriter(shm, StreamOptions())
    yield writer
    if writer._log.page.fd >= 0:
        writer.leave()


@pytest.fixture
def demand(writer: StreamWriter, shm: Path) -> Iterator[Demand]:
    demand = Demand(shm)
    yield demand
    demand.source.close()


@pytest.fixture
def rtmp(writer: StreamWriter, demand: Demand, shm: Path) -> Iterator[LogReader]:
    """The framing runs, from the beginning of the stream."""
    demand.begin()
    writer.run_framings()
    reader = LogReader.open(shm, RTMP_LOG)
    assert reader is not None
    yield reader
    reader.close()


def tick(writer: StreamWriter, *messages: object) -> None:
    writer.write(messages)  # type: ignore[arg-type]
    writer.run_framings()


@given(
    kind=st.sampled_from([flv.AUDIO, flv.VIDEO, flv.SCRIPT]),
    timestamp=st.one_of(st.integers(0, (1 << 32) - 1), st.sampled_from([0xFFFFFE, 0xFFFFFF, 0x1000000])),
    size=st.sampled_from([1, 127, 128, OUT_CHUNK_SIZE - 1, OUT_CHUNK_SIZE, OUT_CHUNK_SIZE + 1, 200_000]),
)
def test_a_message_can_be_measured_by_its_first_bytes(kind: int, timestamp: int, size: int) -> None:
    """A slow viewer is moved along message by message."""
    tag = flv.Tag(kind, timestamp, b"\x17" * size)
    framed = frame(tag)
    assert message_size(framed[:12]) == len(framed)
    assert [same_media(message) for message in rtmp_messages(framed)] == [same_media(tag)]


def test_the_messages_are_the_tags(writer: StreamWriter, rtmp: LogReader, shm: Path) -> None:
    for second in range(5):
        tick(writer, *setup(), *broadcast(second * 1000, second * 1000 + 1000, size=70_000))
    tags = flv_tags(log_bytes(shm))
    assert len(tags) == 3 + 5 * 50
    messages = rtmp_messages(log_bytes(shm, RTMP_LOG))
    assert [same_media(message) for message in messages] == [same_media(tag) for tag in tags]
    assert {message.stream_id for message in messages} == {1}


def test_each_message_can_be_read_without_those_before_it(
    writer: StreamWriter, rtmp: LogReader, shm: Path
) -> None:
    tick(writer, *setup(), *broadcast(0, 3000))
    for key in rtmp.page.key_points():
        first = rtmp_messages(rtmp.read(key.offset, 1 << 20))[0]
        assert is_key(first)
        assert first.timestamp == key.timestamp


def test_the_key_points_are_those_of_the_stream(
    writer: StreamWriter, rtmp: LogReader, demand: Demand
) -> None:
    tick(writer, *setup(), *broadcast(0, 5000))
    ours = [key.timestamp for key in rtmp.page.key_points()]
    assert ours == [key.timestamp for key in demand.source.page.key_points()] == [0, 1000, 2000, 3000, 4000]


def test_beyond_49_days_the_log_keeps_its_past_as_before(shm: Path) -> None:
    """Tags and messages carry 32 bits of time, the log's own time goes on."""
    first = StreamWriter(shm, StreamOptions())
    first._log.page.end, first._log.page.timestamp = 1, (1 << 32) - 1500
    first._log.append([b"x" * 15], [], (1 << 32) - 1500)
    first._log.page.start = first._log.end
    first.leave()
    writer, demand = StreamWriter(shm, StreamOptions()), Demand(shm)
    demand.begin()
    tick(writer, *setup(), *broadcast(0, 4000))
    rtmp = LogReader.open(shm, RTMP_LOG)
    assert rtmp is not None
    times = [key.timestamp for key in rtmp.page.key_points()]
    assert times == sorted(times)
    assert times[-1] > 1 << 32
    assert rtmp.page.timestamp == demand.source.page.timestamp
    writer.second()
    assert rtmp.page.start == rtmp.page.key_points()[0].offset == 0
    for reader in (rtmp, demand.source):
        reader.close()
    writer.leave()


def test_the_head_says_the_same_as_the_streams(writer: StreamWriter, rtmp: LogReader, demand: Demand) -> None:
    for messages in ([*setup(), picture(0, key=True)], [picture_setup(OTHER_AVC), picture(40, key=True)]):
        tick(writer, *messages)
        expected = [same_media(tag) for tag in flv_file(demand.source.page.head())]
        framed = RTMP.head_at(rtmp.page.head(), 0)
        assert [same_media(message) for message in rtmp_messages(framed)] == expected


class TestDemand:
    """The framing runs only while somebody wants it."""

    def test_nobody_wants_it_and_it_is_not_there(self, writer: StreamWriter, shm: Path) -> None:
        tick(writer, *setup(), *broadcast(0, 1000))
        assert not (shm / "rtmp.log").exists()

    def test_the_first_who_wants_it_finds_the_last_group_of_pictures(
        self, writer: StreamWriter, demand: Demand, shm: Path
    ) -> None:
        tick(writer, *setup(), *broadcast(0, 2400))
        demand.begin()
        writer.run_framings()
        messages = rtmp_messages(log_bytes(shm, RTMP_LOG))
        assert is_key(messages[0])
        assert [m.timestamp for m in messages if m.type_id == flv.VIDEO] == list(range(2000, 2400, 40))

    def test_a_short_lapse_leaves_no_gap(
        self, writer: StreamWriter, demand: Demand, rtmp: LogReader, shm: Path
    ) -> None:
        """Viewers of the earlier run may be here still."""
        tick(writer, *setup(), *broadcast(0, 1200))
        demand.lapse()
        tick(writer)
        assert rtmp.page.state == State.IDLE
        tick(writer, *broadcast(1200, 1800))
        demand.begin()
        tick(writer, *broadcast(1800, 2000))
        assert rtmp.page.state == State.LIVE
        messages = [same_media(message) for message in rtmp_messages(log_bytes(shm, RTMP_LOG))]
        assert messages == [same_media(tag) for tag in flv_tags(log_bytes(shm))]

    def test_after_a_longer_one_it_begins_anew_behind_what_it_had(
        self, writer: StreamWriter, demand: Demand, rtmp: LogReader, shm: Path
    ) -> None:
        """Offsets go on growing: bytes of the earlier run may be on their way to viewers."""
        tick(writer, *setup(), *broadcast(0, 1200))
        end = rtmp.page.end
        demand.lapse()
        tick(writer, *broadcast(1200, 7400))
        demand.begin()
        tick(writer)
        assert rtmp.page.start == end
        messages = rtmp_messages(log_bytes(shm, RTMP_LOG))
        assert is_key(messages[0])
        assert messages[0].timestamp == 7000
        assert rtmp.page.epoch == 2

    def test_another_writer_goes_on_with_it(
        self, writer: StreamWriter, demand: Demand, rtmp: LogReader, shm: Path
    ) -> None:
        """The viewers that stayed need the setup in front of the new publisher's first keyframe."""
        tick(writer, *setup(), *broadcast(0, 1200))
        writer.leave()
        assert rtmp.page.state == State.IDLE
        successor = StreamWriter(shm, StreamOptions())
        tick(successor, picture_setup(OTHER_AVC), *broadcast(0, 1200))
        assert rtmp.page.state == State.LIVE
        messages = [same_media(message) for message in rtmp_messages(log_bytes(shm, RTMP_LOG))]
        assert messages == [same_media(tag) for tag in flv_tags(log_bytes(shm))]
        successor.leave()


@pytest.mark.parametrize("short", [False, True])
def test_after_a_full_memory_players_go_on_at_a_keyframe(
    writer: StreamWriter, rtmp: LogReader, shm: Path, monkeypatch: pytest.MonkeyPatch, short: bool
) -> None:
    tick(writer, *setup(), *broadcast(0, 1200))
    writer.write(broadcast(1200, 1400))
    with full_memory(monkeypatch, short=short):
        writer.run_framings()
    lost_at = rtmp.page.end
    tick(writer, *broadcast(1400, 2400))
    after = rtmp_messages(rtmp.read(lost_at, 1 << 20))
    assert is_key(after[0])
    assert [m.timestamp for m in after if m.type_id == flv.VIDEO] == list(range(2000, 2400, 40))
    key = rtmp.page.last_key()
    assert key is not None
    assert key.offset == lost_at
