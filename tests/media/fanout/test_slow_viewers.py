"""Viewers whose sockets take less than they are offered, and formats that frame what they carry."""

from pathlib import Path

import pytest
from wsproto.frame_protocol import FrameProtocol

from broadcast import flv_file, rtmp_messages
from oxbow.media.fanout import Cohort
from oxbow.media.formats import RTMP, WEBSOCKET
from oxbow.media.framing.rtmp import frame
from oxbow.media.log import Retention
from oxbow.proto import flv
from oxbow.proto.websocket import binary_header

from .conftest import HEAD, LIMITS, SMALL, Clock, Connect, Stage, drain, enter, keyframe_times, settle


class TestLagging:
    """Viewers whose sockets take less than they are offered."""

    def test_they_get_every_byte_a_little_later_and_then_are_in_step_again(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        for _ in range(3):
            expected += stage.second(size=8000)
            cohort.push()
        assert len(slow.read()) < len(expected)
        cohort.push()
        drain(cohort, slow)
        assert slow.received == expected
        assert cohort.shares.sent_bytes == len(expected)
        assert cohort.totals.skips == cohort.totals.dropped == 0
        expected = stage.second()
        cohort.push()
        assert slow.read() == expected, "no more than the others"

    def test_nobody_is_delayed_by_one_who_stops_reading(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        stuck, fine = connect(SMALL), connect()
        for client in (stuck, fine):
            enter(cohort, client)
        fine.read()
        for _ in range(5):
            expected = stage.second(size=8000)
            cohort.push()
            assert fine.read() == expected

    @pytest.mark.parametrize("bite", [10_000, 40_960, 14_990])
    def test_one_too_far_behind_goes_on_at_a_later_keyframe_and_gets_whole_tags(
        self, stage: Stage, cohort: Cohort, connect: Connect, clock: Clock, bite: int
    ) -> None:
        stage.log.page.set_head(HEAD)
        stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        for _ in range(20):
            clock.now += 10**9
            stage.second(size=8000)
            cohort.push()
            slow.read(bite)
        drain(cohort, slow)
        tags = flv_file(bytes(slow.received))
        assert sum(15 + len(tag.payload) for tag in tags) == len(slow.received) - len(HEAD)
        times = [tag.timestamp for tag in tags if tag.type == flv.VIDEO]
        gaps = [index for index in range(1, len(times)) if times[index] != times[index - 1] + 40]
        assert gaps, "something was skipped"
        assert all(times[index] in keyframe_times(tags) for index in gaps), "and went on at a keyframe"
        assert times[-1] == 20_960
        totals = cohort.totals
        assert totals.skips >= len(gaps)
        assert cohort.shares.sent_bytes == len(slow.received)
        assert cohort.shares.sent_bytes + totals.skipped_bytes == stage.log.end + len(HEAD)

    def test_an_rtmp_stream_stays_readable_as_well(self, shm: Path, connect: Connect, clock: Clock) -> None:
        stage = Stage(shm, frame, Retention(seconds=1000.0))
        cohort = Cohort(stage.reader, RTMP, LIMITS)
        stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        for _ in range(20):
            clock.now += 10**9
            stage.second(size=8000)
            cohort.push()
            slow.read(15_000)
        drain(cohort, slow)
        messages = rtmp_messages(bytes(slow.received))
        assert b"".join(frame(flv.Tag(m.type_id, m.timestamp, m.payload)) for m in messages) == slow.received
        assert len(messages) < 21 * 50
        assert messages[-1].timestamp == 20_960
        stage.close()

    def test_one_that_takes_nothing_is_dropped_and_counted(
        self, stage: Stage, cohort: Cohort, connect: Connect, clock: Clock
    ) -> None:
        stage.second(size=8000)
        stuck = connect(SMALL)
        enter(cohort, stuck)
        settle(cohort)
        taken = cohort.shares.sent_bytes
        clock.now += int(LIMITS.stall_seconds * 1e9)
        cohort.push()
        assert stuck.gone == []
        clock.now += 1
        cohort.push()
        assert (stuck.gone, len(cohort)) == (["stalled"], 0)
        assert cohort.totals.dropped == 1
        assert cohort.totals.skipped_bytes == stage.log.end - taken
        assert len(stuck.read()) <= taken

    def test_one_that_takes_a_little_now_and_then_is_not(
        self, stage: Stage, cohort: Cohort, connect: Connect, clock: Clock
    ) -> None:
        stage.second(size=20_000)
        slow = connect(SMALL)
        enter(cohort, slow)
        for _ in range(5):
            clock.now += int(LIMITS.stall_seconds * 1e9) - 1
            before = cohort.shares.sent_bytes
            while cohort.shares.sent_bytes == before:
                slow.read(3000)
                cohort.push()
        assert slow.gone == []

    def test_one_whose_next_bytes_are_gone_is_dropped_before_it_gets_a_hole(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        stage.second()
        stage.log.shrink()
        sent = cohort.shares.sent_bytes
        cohort.push()
        assert slow.gone == ["too_slow"]
        assert cohort.shares.sent_bytes == sent
        assert cohort.totals.dropped == 1

    def test_nobody_in_step_gets_a_hole_either(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        """Shared memory filled up within a tick: what came first is given back before it was sent."""
        stage.second()
        client = connect()
        enter(cohort, client)
        client.read()
        lost, kept = stage.second(), stage.second()
        stage.log.shrink()
        cohort.push()
        assert client.read() == kept
        assert client.gone == []
        assert (cohort.totals.skips, cohort.totals.skipped_bytes) == (1, len(lost))


class TestEnvelopes:
    """Over WebSocket each tick is a binary message, for laggards too."""

    @pytest.fixture
    def cohort(self, stage: Stage) -> Cohort:
        return Cohort(stage.reader, WEBSOCKET, LIMITS)

    @staticmethod
    def unwrap(received: bytes) -> bytes:
        """What the messages carry; all of it must be whole frames."""
        protocol = FrameProtocol(client=True, extensions=[])
        protocol.receive_bytes(received)
        frames = list(protocol.received_frames())
        assert all(f.frame_finished for f in frames[-1:]), "it ends with a whole frame"
        return b"".join(bytes(f.payload) for f in frames)

    def test_one_message_a_tick(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        first = stage.second()
        client = connect()
        enter(cohort, client)
        assert client.read() == binary_header(len(first)) + first
        second = stage.second()
        cohort.push()
        assert client.read() == binary_header(len(second)) + second
        assert cohort.shares.sent_bytes == len(client.received)

    def test_short_writes_tear_no_frame(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        expected = stage.second(size=4000)
        slow = connect(SMALL)
        enter(cohort, slow)
        for _ in range(10):
            expected += stage.second(size=4000)
            cohort.push()
            slow.read(30_001)
        drain(cohort, slow, bite=7777)
        assert self.unwrap(bytes(slow.received)) == expected
        assert cohort.shares.sent_bytes == len(slow.received)

    def test_own_frames_stand_between_the_others(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        cohort.say(slow.viewer, binary_header(4) + b"pong")
        drain(cohort, slow)
        assert self.unwrap(bytes(slow.received)) == expected + b"pong"

    def test_a_viewer_too_far_behind_goes_on_at_a_keyframe_here_too(
        self, stage: Stage, cohort: Cohort, connect: Connect, clock: Clock
    ) -> None:
        stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        for _ in range(40):
            clock.now += 10**9
            stage.second(size=8000)
            cohort.push()
            slow.read(50_000)
        drain(cohort, slow)
        tags, consumed = flv.iter_tags(data := self.unwrap(bytes(slow.received)))
        assert consumed == len(data)
        times = [tag.timestamp for tag in tags if tag.type == flv.VIDEO]
        gaps = [index for index in range(1, len(times)) if times[index] != times[index - 1] + 40]
        assert cohort.totals.skips >= len(gaps) > 0
        assert all(times[index] in keyframe_times(tags) for index in gaps)
        assert times[-1] == 40_960
