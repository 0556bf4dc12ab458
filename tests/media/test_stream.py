"""A stream's writer: what a publisher sends becomes a log that anybody can join."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcast import (
    AVC,
    OTHER_AVC,
    broadcast,
    flv_file,
    flv_tags,
    full_memory,
    is_key,
    log_bytes,
    metadata,
    picture,
    picture_setup,
    same_media,
    setup,
    sound,
    sound_setup,
)
from oxbow.media.formats import FLV
from oxbow.media.log import LogReader
from oxbow.media.page import State
from oxbow.media.stream import FLV_LOG, StreamBusyError, StreamOptions, StreamWriter
from oxbow.proto import flv
from oxbow.proto.rtmp.chunks import Message

OPTIONS = StreamOptions(grace_seconds=3.0)


@pytest.fixture
def directory(shm: Path) -> Path:
    return shm / "hub" / "stream"


@pytest.fixture
def writer(directory: Path) -> Iterator[StreamWriter]:
    writer = StreamWriter(directory, OPTIONS)
    yield writer
    if writer._log.page.fd >= 0:
        writer.leave()


@pytest.fixture
def reader(writer: StreamWriter, directory: Path) -> Iterator[LogReader]:
    reader = LogReader.open(directory, FLV_LOG)
    assert reader is not None
    yield reader
    reader.close()


def logged(directory: Path) -> list[flv.Tag]:
    return flv_tags(log_bytes(directory))


def times(directory: Path, kind: int = flv.VIDEO) -> list[int]:
    return [tag.timestamp for tag in logged(directory) if tag.type == kind]


def test_the_log_holds_what_was_published_as_flv(writer: StreamWriter, directory: Path) -> None:
    sent = [*setup(), *broadcast(0, 2000)]
    writer.write(sent)
    assert [same_media(tag) for tag in logged(directory)] == [same_media(message) for message in sent]


def test_how_messages_are_spread_over_ticks_makes_no_difference(shm: Path) -> None:
    sent = [*setup(), *broadcast(0, 2000)]
    together, alone = StreamWriter(shm / "together", OPTIONS), StreamWriter(shm / "alone", OPTIONS)
    together.write(sent)
    for message in sent:
        alone.write([message])
    assert log_bytes(shm / "together") == log_bytes(shm / "alone")
    together.leave()
    alone.leave()


def test_each_keyframe_is_a_place_to_begin(writer: StreamWriter, reader: LogReader) -> None:
    writer.write([*setup(), *broadcast(0, 3000)])
    keys = reader.page.key_points()
    assert [key.timestamp for key in keys] == [0, 1000, 2000]
    for key in keys:
        tags, _ = flv.iter_tags(reader.read(key.offset, 1 << 20))
        assert is_key(tags[0])
        assert tags[0].timestamp == key.timestamp


def test_a_viewer_gets_the_setup_and_then_a_keyframe(writer: StreamWriter, reader: LogReader) -> None:
    writer.write([*setup(), *broadcast(0, 3000)])
    head = reader.page.head()
    assert head.startswith(flv.file_header(audio=True, video=True))
    assert [same_media(tag)[::2] for tag in flv_file(head)] == [same_media(m)[::2] for m in setup()]
    key = reader.page.last_key()
    assert key is not None
    stamped = flv_file(FLV.head_at(head, key.timestamp))
    assert {tag.timestamp for tag in stamped} == {key.timestamp}, "a player starts its clock with it"


def test_what_is_no_media_is_left_out(writer: StreamWriter, directory: Path) -> None:
    writer.write([Message(20, 0, 1, b"command"), Message(flv.VIDEO, 0, 1, b""), Message(3, 0, 0, b"1234")])
    assert logged(directory) == []


class TestSetup:
    """Sequence headers and metadata."""

    def test_a_repeated_one_is_left_out(self, writer: StreamWriter, directory: Path) -> None:
        for start in (0, 1000):
            writer.write([*setup(), *broadcast(start, start + 1000)])
        kinds = [flv.video_kind(tag.payload) for tag in logged(directory) if tag.type == flv.VIDEO]
        assert sum(kind.is_sequence_header for kind in kinds) == 1
        assert sum(tag.type == flv.SCRIPT for tag in logged(directory)) == 1

    def test_a_changed_one_stands_in_the_stream_and_in_the_head(
        self, writer: StreamWriter, reader: LogReader, directory: Path
    ) -> None:
        other = picture_setup(OTHER_AVC, at=1000)
        writer.write([*setup(), *broadcast(0, 1000), other, *broadcast(1000, 2000)])
        tags = logged(directory)
        position = next(index for index, tag in enumerate(tags) if bytes(tag.payload) == other.payload)
        assert is_key(tags[position + 1])
        head = b"".join(bytes(tag.payload) for tag in flv_file(reader.page.head()))
        assert OTHER_AVC in head
        assert AVC not in head

    def test_changed_metadata_too(self, writer: StreamWriter, reader: LogReader, directory: Path) -> None:
        writer.write([*setup(), *broadcast(0, 1000), metadata(width=1280.0), *broadcast(1000, 1200)])
        scripts = [tag for tag in logged(directory) if tag.type == flv.SCRIPT]
        assert [tag.timestamp for tag in scripts] == [0, 960]
        assert bytes(scripts[1].payload) in reader.page.head()

    def test_other_script_data_is_always_passed_on(self, writer: StreamWriter, directory: Path) -> None:
        cue = Message(flv.SCRIPT, 0, 1, b"\x02\x00\x0aonCuePoint")
        writer.write([cue, cue])
        assert [tag.type for tag in logged(directory)] == [flv.SCRIPT, flv.SCRIPT]

    @pytest.mark.parametrize(
        ("messages", "audio", "video"),
        [
            ([picture_setup(), picture(0, key=True)], False, True),
            ([sound_setup(), sound(0)], True, False),
            ([Message(flv.AUDIO, 0, 1, b"\x2fmp3"), Message(flv.VIDEO, 0, 1, b"\x12h263")], True, True),
        ],
        ids=["picture", "sound", "codecs without setup"],
    )
    def test_the_heads_flags_are_true(
        self, writer: StreamWriter, reader: LogReader, messages: list[Message], audio: bool, video: bool
    ) -> None:
        """Browsers wait for ever for a track that is announced and never comes."""
        writer.write(messages)
        assert reader.page.head()[:13] == flv.file_header(audio=audio, video=video)

    def test_a_track_that_comes_later_is_announced_from_then_on(
        self, writer: StreamWriter, reader: LogReader
    ) -> None:
        writer.write([sound_setup(), sound(0)])
        writer.write([picture_setup(at=40), picture(40, key=True)])
        assert reader.page.head()[:13] == flv.file_header(audio=True, video=True)

    def test_metadata_too_large_for_the_head_is_left_out(
        self, writer: StreamWriter, reader: LogReader, directory: Path
    ) -> None:
        writer.write([*setup(), metadata(**{"x" * 65_000: 1.0}), *broadcast(0, 1000)])
        assert len(reader.page.head()) < 1000
        assert sum(tag.type == flv.SCRIPT for tag in logged(directory)) == 1


class TestBeginning:
    """Where a stream begins for those who watch it from the start."""

    def test_pictures_before_the_first_keyframe_are_left_out(
        self, writer: StreamWriter, directory: Path
    ) -> None:
        writer.write([picture_setup(), picture(0), picture(40), picture(80, key=True), picture(120)])
        frames = [tag for tag in logged(directory) if flv.video_kind(tag.payload).is_frame]
        assert len(frames) == 2
        assert is_key(frames[0])

    def test_sound_waits_for_a_picture_that_was_announced(
        self, writer: StreamWriter, directory: Path
    ) -> None:
        writer.write([*setup(), sound(0), picture(20), sound(23), picture(60, key=True), sound(63)])
        frames = [tag for tag in logged(directory) if tag.payload[1] == 1]
        assert [tag.type for tag in frames] == [flv.VIDEO, flv.AUDIO]

    def test_but_not_for_ever(self, writer: StreamWriter, directory: Path) -> None:
        """A camera that never sends a keyframe is heard at least."""
        writer.write([*setup(), *[sound(at) for at in range(0, 12_000, 40)]])
        heard = [tag.timestamp for tag in logged(directory) if tag.type == flv.AUDIO][1:]
        assert heard[0] == 10_040
        assert heard[-1] == 11_960

    def test_sound_alone_can_be_joined_once_a_second(self, writer: StreamWriter, reader: LogReader) -> None:
        writer.write([sound_setup(), *[sound(at) for at in range(0, 1960, 40)]])
        assert reader.page.last_key() is None, "a picture may still come"
        writer.write([sound(at) for at in range(1960, 6000, 40)])
        assert [key.timestamp for key in reader.page.key_points()] == [2000, 3000, 4000, 5000]


class TestFullMemory:
    """Frames are lost up to the next keyframe, and counted."""

    @pytest.mark.parametrize("short", [False, True])
    def test_the_stream_goes_on_at_the_next_keyframe(
        self, writer: StreamWriter, directory: Path, monkeypatch: pytest.MonkeyPatch, short: bool
    ) -> None:
        writer.write([*setup(), *broadcast(0, 1200)])
        with full_memory(monkeypatch, short=short):
            writer.write(broadcast(1200, 1400))
        assert writer.dropped_bytes == sum(15 + len(message.payload) for message in broadcast(1200, 1400))
        writer.write(broadcast(1400, 2400))
        pictures = times(directory)
        assert [at for at in pictures if at < 1400] == list(range(1000, 1200, 40)), (
            "all but the last GOP went"
        )
        assert [at for at in pictures if at >= 1400] == list(range(2000, 2400, 40))

    def test_a_keyframe_that_is_lost_is_no_place_to_begin(
        self, writer: StreamWriter, reader: LogReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer.write([*setup(), *broadcast(0, 1000)])
        with full_memory(monkeypatch):
            writer.write(broadcast(1000, 2000))
        writer.write(broadcast(2000, 2200))
        assert [key.timestamp for key in reader.page.key_points()] == [0, 2000]

    def test_setup_that_changes_meanwhile_is_in_the_head_afterwards(
        self, writer: StreamWriter, reader: LogReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer.write([*setup(), *broadcast(0, 1000)])
        with full_memory(monkeypatch):
            writer.write([picture_setup(OTHER_AVC), *broadcast(1000, 1200)])
        assert AVC in reader.page.head()
        writer.write(broadcast(2000, 2200))
        assert OTHER_AVC in reader.page.head()

    def test_a_framing_that_finds_no_room_begins_when_there_is_some(
        self, writer: StreamWriter, directory: Path, reader: LogReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the publishers that are read after this one are not kept from their turn."""
        writer.write([*setup(), *broadcast(0, 1000)])
        reader.page.demand_rtmp = reader.page.demand_hls = time.monotonic_ns() + 10**12
        descriptors = len(os.listdir("/proc/self/fd"))
        with full_memory(monkeypatch):
            (directory / "hls").write_bytes(b"in the way")
            writer.run_framings()
        assert LogReader.open(directory, "rtmp") is None
        assert len(os.listdir("/proc/self/fd")) == descriptors
        (directory / "hls").unlink()
        writer.run_framings()
        assert log_bytes(directory, "rtmp")

    def test_a_framing_that_runs_when_memory_fills_up_goes_on_too(
        self, writer: StreamWriter, directory: Path, reader: LogReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reader.page.demand_rtmp = time.monotonic_ns() + 10**12
        writer.write([*setup(), *broadcast(0, 1000)])
        writer.run_framings()
        writer.write([picture_setup(OTHER_AVC), *broadcast(1000, 2000)])
        with full_memory(monkeypatch):
            writer.run_framings()
        writer.write(broadcast(2000, 3000))
        writer.run_framings()
        assert log_bytes(directory, "rtmp").count(b"\x65" + (2000).to_bytes(8, "big")) == 1


class TestComingBack:
    """A publisher leaves, or is killed, and goes on with the same log."""

    def test_a_stream_is_busy_while_somebody_writes_it(self, writer: StreamWriter, directory: Path) -> None:
        descriptors = len(os.listdir("/proc/self/fd"))
        with pytest.raises(StreamBusyError):
            StreamWriter(directory, OPTIONS)
        assert len(os.listdir("/proc/self/fd")) == descriptors
        writer.write([*setup(), *broadcast(0, 1000)])
        assert len(times(directory)) == 26

    def test_after_it_left_the_log_waits(
        self, writer: StreamWriter, reader: LogReader, directory: Path
    ) -> None:
        assert (reader.page.state, reader.page.epoch, writer.resumed) == (State.LIVE, 1, False)
        writer.leave()
        assert reader.page.state == State.IDLE
        assert reader.page.grace_ns == 3_000_000_000
        assert 0 < reader.page.idle_since <= time.monotonic_ns()

    def test_its_successor_goes_on_in_the_same_log_and_on_the_same_time_line(
        self, writer: StreamWriter, reader: LogReader, directory: Path
    ) -> None:
        writer.write([*setup(), *broadcast(0, 2000)])
        end, last = reader.page.end, reader.page.timestamp
        writer.leave()
        successor = StreamWriter(directory, OPTIONS)
        assert (successor.resumed, reader.page.epoch, reader.page.state) == (True, 2, State.LIVE)
        successor.write([*setup(), picture(777_000), *broadcast(778_000, 779_000)])
        new, _ = flv.iter_tags(reader.read(end, 1 << 20))
        assert is_key(new[0]), "known setup is not repeated, and pictures before a keyframe are left out"
        assert last < new[0].timestamp < last + 2000
        assert [tag.timestamp for tag in new if tag.type == flv.VIDEO] == sorted(
            tag.timestamp for tag in new if tag.type == flv.VIDEO
        )
        successor.leave()

    def test_a_successor_with_another_encoder_says_so_in_the_stream(
        self, writer: StreamWriter, reader: LogReader, directory: Path
    ) -> None:
        writer.write([*setup(), *broadcast(0, 1000)])
        end = reader.page.end
        writer.leave()
        successor = StreamWriter(directory, OPTIONS)
        successor.write([picture_setup(OTHER_AVC), sound_setup(), *broadcast(0, 200)])
        new, _ = flv.iter_tags(reader.read(end, 1 << 20))
        assert OTHER_AVC in bytes(new[0].payload)
        assert is_key(new[1])
        successor.leave()

    def test_an_ended_streams_place_is_taken_by_another(
        self, writer: StreamWriter, reader: LogReader, directory: Path
    ) -> None:
        """Its readers were told that it is over: they must not see it go on."""
        writer.write([*setup(), *broadcast(0, 1000)])
        writer.leave()
        reader.page.state = State.ENDED
        end = reader.page.end
        another = StreamWriter(directory, OPTIONS)
        assert not another.resumed
        another.write([*setup(), *broadcast(0, 200)])
        assert (reader.page.state, reader.page.end) == (State.ENDED, end)
        assert reader.read(0, end), "who reads it still, can"
        assert len(times(directory)) == 6
        another.leave()

    def test_kill_minus_9_of_the_writer_releases_the_stream(self, directory: Path) -> None:
        """The successor goes on at the same offset and on the same time line."""
        script = textwrap.dedent("""
            import sys
            from pathlib import Path
            sys.path.insert(0, sys.argv[2])
            from broadcast import broadcast, setup
            from oxbow.media.stream import StreamOptions, StreamWriter
            writer = StreamWriter(Path(sys.argv[1]), StreamOptions())
            writer.write([*setup(), *broadcast(0, 1000)])
            print("writing", flush=True)
            sys.stdin.read()
        """)
        command = [sys.executable, "-c", script, str(directory), str(Path(__file__).parent.parent)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
            with pytest.raises(StreamBusyError):
                StreamWriter(directory, OPTIONS)
            before = log_bytes(directory)
            process.send_signal(signal.SIGKILL)
        successor = StreamWriter(directory, OPTIONS)
        assert successor.resumed
        successor.write([*setup(), *broadcast(0, 400)])
        assert log_bytes(directory).startswith(before)
        assert times(directory)[:26] == [0, *range(0, 1000, 40)]
        assert times(directory)[26:] == list(range(961, 1361, 40))
        successor.leave()


class TestFigures:
    """What the writer tells of its publisher."""

    def test_everything_that_came_is_counted_even_if_it_is_left_out(self, writer: StreamWriter) -> None:
        sent = [*setup(), picture(0), *broadcast(1000, 2000), *setup()]
        writer.write(sent)
        counts = writer.probe.counts
        assert (counts.video_frames, counts.audio_frames, counts.data_frames) == (26, 25, 2)
        sizes = {kind: sum(len(m.payload) for m in sent if m.type_id == kind) for kind in (8, 9, 18)}
        assert (counts.audio_bytes, counts.video_bytes, counts.data_bytes) == tuple(sizes.values())

    def test_groups_of_pictures_are_measured_in_log_time(self, writer: StreamWriter) -> None:
        writer.write([*setup(), *broadcast(0, 3000)])
        writer.second()
        writer.probe.second(time.monotonic() + 1)
        assert writer.probe.reading().avg_gop_ms == 1000
