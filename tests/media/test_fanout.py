"""Many sockets on one log: everybody gets the same bytes, nobody waits for anybody."""

import select
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from wsproto.frame_protocol import FrameProtocol

from broadcast import broadcast, flv_file, is_key, rtmp_messages
from oxbow.media import fanout
from oxbow.media.fanout import OWN_LIMIT, Cohort, FanoutLimits, Viewer
from oxbow.media.formats import FLV, RTMP, WEBSOCKET
from oxbow.media.framing.rtmp import frame, message_size
from oxbow.media.log import LogReader, LogWriter, Retention
from oxbow.proto import flv
from oxbow.proto.websocket import binary_header

HEAD = flv.FILE_HEADER
LIMITS = FanoutLimits(max_lag_seconds=4.0, stall_seconds=10.0)
SMALL = 4096
"""A socket buffer that a tick of the stream does not fit in."""


class Clock:
    """The monotonic clock, as the fan-out and the log see it."""

    def __init__(self) -> None:
        self.now = 10**12

    def monotonic_ns(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1e9


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fanout, "time", clock)
    monkeypatch.setattr("oxbow.media.log.time", clock)
    return clock


def tag_size(log: LogReader, offset: int) -> int:
    return 15 + int.from_bytes(log.read(offset + 1, 3), "big")


def rtmp_size(log: LogReader, offset: int) -> int:
    return message_size(log.read(offset, 12))


class Stage:
    """A log that is written second by second, and a cohort that watches it."""

    def __init__(self, directory: Path, encode: Callable[[flv.Tag], bytes], retention: Retention) -> None:
        self.log = LogWriter(directory, "log", retention)
        reader = LogReader.open(directory, "log")
        assert reader is not None
        self.reader = reader
        self._encode = encode
        self._second = 0

    def second(self, size: int = 100) -> bytes:
        """Append the next second of the stream, which begins with a keyframe; returns its bytes."""
        start = self._second * 1000
        self._second += 1
        messages = broadcast(start, start + 1000, size=size)
        pieces = [self._encode(flv.Tag(m.type_id, m.timestamp, m.payload)) for m in messages]
        self.log.append(pieces, [(0, start)], start + 960)
        return b"".join(pieces)

    def close(self) -> None:
        self.log.close()
        self.reader.close()


def encode_flv(tag: flv.Tag) -> bytes:
    return flv.tag(*tag)


@pytest.fixture
def stage(shm: Path) -> Iterator[Stage]:
    stage = Stage(shm, encode_flv, Retention(seconds=1000.0))
    yield stage
    stage.close()


@pytest.fixture
def cohort(stage: Stage) -> Cohort:
    return Cohort(stage.reader, FLV, LIMITS)


@dataclass
class Client:
    """A viewer's both ends."""

    near: socket.socket
    far: socket.socket
    greeting: bytes = b""
    gone: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.viewer = Viewer(self.near, self)

    def preamble(self, head: bytes) -> bytes:
        return self.greeting + head

    def viewer_gone(self, viewer: Viewer, reason: str) -> None:
        assert viewer is self.viewer
        self.gone.append(reason)

    def vanish(self) -> None:
        """The connection is reset."""
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.far.close()

    def read(self, limit: int | None = None) -> bytes:
        """Take what is there, or `limit` bytes of it."""
        taken = bytearray()
        try:
            while limit is None or len(taken) < limit:
                data = self.far.recv(65536 if limit is None else limit - len(taken))
                if not data:
                    break
                taken += data
        except BlockingIOError:
            pass
        self.received += taken
        return bytes(taken)


Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients; one with a small buffer takes less than a tick at once."""
    clients: list[Client] = []

    def make(buffer: int = 1 << 20, greeting: bytes = b"") -> Client:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as far:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            far.connect(server.getsockname())
            near, far = server.accept()[0], far.dup()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        near.setblocking(False)
        far.setblocking(False)
        clients.append(Client(near, far, greeting))
        return clients[-1]

    yield make
    for client in clients:
        client.near.close()
        client.far.close()


def enter(cohort: Cohort, client: Client) -> bool:
    """A tick passes, then somebody comes."""
    cohort.push()
    return cohort.join(client.viewer)


def drain(cohort: Cohort, client: Client, bite: int | None = None, others: int = 0) -> None:
    """Read and serve until the client has all that was sent, and nothing more comes. `others`: bytes that
    other viewers got."""
    while True:
        cohort.push()
        sent = cohort.totals.sent_bytes - others
        if len(client.received) < sent:
            assert select.select([client.far], [], [], 10)[0], "more was sent than comes"
            client.read(bite)
        elif not client.gone and sent == cohort.totals.sent_bytes - others:
            cohort.push()
            if sent == cohort.totals.sent_bytes - others:
                return
        else:
            return


def settle(cohort: Cohort) -> None:
    """Serve until no socket takes any more."""
    before = -1
    while before != cohort.totals.sent_bytes:
        before = cohort.totals.sent_bytes
        cohort.push()


def keyframe_times(tags: list[flv.Tag]) -> list[int]:
    return [tag.timestamp for tag in tags if is_key(tag)]


class TestInStep:
    """The ordinary case."""

    def test_a_viewer_begins_with_the_head_and_the_last_keyframe(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.log.page.set_head(HEAD)
        stage.second()
        last = stage.second()
        client = connect(greeting=b"HTTP/1.1 200 OK\r\n\r\n")
        assert enter(cohort, client)
        assert client.read() == b"HTTP/1.1 200 OK\r\n\r\n" + HEAD + last
        assert len(cohort) == 1

    def test_before_the_first_keyframe_nobody_is_let_in(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        client = connect(greeting=b"hello")
        assert not cohort.join(client.viewer)
        assert (len(cohort), client.read()) == (0, b"")

    def test_from_then_on_everybody_gets_every_byte_once(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second()
        clients = [connect() for _ in range(5)]
        for client in clients:
            enter(cohort, client)
        for _ in range(3):
            expected += stage.second()
            cohort.push()
            cohort.push()  # nothing new: nothing happens
        assert [client.read() for client in clients] == [expected] * 5
        assert cohort.totals.sent_bytes == 5 * len(expected)

    def test_one_who_joins_between_two_ticks_is_in_step_with_the_others(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        first = stage.second()
        early, late = connect(), connect()
        enter(cohort, early)
        second = stage.second()
        cohort.join(late.viewer)
        third = stage.second()
        cohort.push()
        assert early.read() == first + second + third
        assert late.read() == second + third

    def test_who_leaves_gets_nothing_more(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        stage.second()
        stays, leaves = connect(), connect()
        for client in (stays, leaves):
            enter(cohort, client)
            client.read()
        cohort.leave(leaves.viewer)
        cohort.leave(leaves.viewer)
        expected = stage.second()
        cohort.push()
        assert (stays.read(), leaves.read(), len(cohort)) == (expected, b"", 1)

    def test_who_disconnects_is_noticed_at_the_next_tick_and_harms_nobody(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        clients = [connect() for _ in range(3)]
        for client in clients:
            enter(cohort, client)
            client.read()
        clients[1].vanish()
        expected = stage.second()
        cohort.push()
        assert [client.gone for client in clients] == [[], ["disconnected"], []]
        assert clients[0].read() == clients[2].read() == expected
        assert cohort.totals.dropped == 0, "that is no failure of ours"

    def test_one_who_vanishes_while_being_let_in(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        client = connect()
        client.vanish()
        enter(cohort, client)
        assert (client.gone, len(cohort)) == (["disconnected"], 0)


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
        assert cohort.totals.sent_bytes == len(expected)
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
        assert totals.sent_bytes == len(slow.received)
        assert totals.sent_bytes + totals.skipped_bytes == stage.log.end + len(HEAD)

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
        taken = cohort.totals.sent_bytes
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
            before = cohort.totals.sent_bytes
            while cohort.totals.sent_bytes == before:
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
        sent = cohort.totals.sent_bytes
        cohort.push()
        assert slow.gone == ["too_slow"]
        assert cohort.totals.sent_bytes == sent
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


class TestOwnBytes:
    """What one viewer alone is told, such as the answer to its ping."""

    def test_in_step_they_go_out_at_once(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        stage.second()
        client, other = connect(), connect()
        for each in (client, other):
            enter(cohort, each)
            each.read()
        cohort.say(client.viewer, b"pong")
        assert client.read() == b"pong"
        expected = stage.second()
        cohort.push()
        assert client.read() == other.read() == expected

    def test_a_laggard_gets_them_between_two_messages(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second(size=8000)
        slow = connect(SMALL)
        enter(cohort, slow)
        cohort.say(slow.viewer, b"pong")
        drain(cohort, slow)
        assert slow.received == expected + b"pong"

    def test_what_was_not_sent_yet_when_the_stream_goes_on_comes_first(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        first = stage.second()
        slow = connect(SMALL)
        enter(cohort, slow)
        drain(cohort, slow)
        own = bytes(range(256)) * 200
        cohort.say(slow.viewer, own)
        second = stage.second(size=8000)
        cohort.push()
        cohort.say(slow.viewer, b"and more")
        drain(cohort, slow)
        assert slow.received == first + own + second + b"and more"

    def test_one_that_asks_and_never_reads_is_dropped(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second(size=8000)
        greedy = connect(SMALL)
        enter(cohort, greedy)
        cohort.say(greedy.viewer, bytes(OWN_LIMIT))
        assert greedy.gone == []
        cohort.say(greedy.viewer, b"x")
        assert (greedy.gone, len(cohort)) == (["too_slow"], 0)

    def test_too_much_at_once_costs_nothing_of_the_stream(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        client = connect()
        enter(cohort, client)
        cohort.say(client.viewer, bytes(OWN_LIMIT + 1))
        assert client.gone == ["too_slow"]
        assert cohort.totals.skipped_bytes == 0


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
        assert cohort.totals.sent_bytes == len(client.received)

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
        assert cohort.totals.sent_bytes == len(slow.received)

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


class TestEnd:
    """The stream is over, or somebody ends it."""

    def test_who_has_it_all_leaves_and_laggards_get_the_rest_first(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        expected = stage.second(size=8000)
        slow, fine = connect(SMALL), connect()
        for client in (slow, fine):
            enter(cohort, client)
        cohort.finish()
        assert (slow.gone, fine.gone) == ([], ["ended"])
        drain(cohort, slow, others=len(expected))
        cohort.finish()
        assert (slow.gone, bytes(slow.received)) == (["ended"], expected)

    def test_what_was_appended_last_goes_out_before_the_end(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        stage.second()
        client = connect()
        enter(cohort, client)
        stage.second()
        cohort.finish()
        assert client.gone == []
        cohort.push()
        cohort.finish()
        assert client.gone == ["ended"]

    def test_whoever_is_dismissed_leaves_now(self, stage: Stage, cohort: Cohort, connect: Connect) -> None:
        stage.second(size=8000)
        slow, fine = connect(SMALL), connect()
        for client in (slow, fine):
            enter(cohort, client)
        cohort.dismiss("disabled")
        assert slow.gone == fine.gone == ["disabled"]
        assert len(cohort) == 0
        before = cohort.totals.sent_bytes
        stage.second()
        cohort.push()
        assert cohort.totals.sent_bytes == before

    def test_a_handler_may_leave_while_it_is_told(
        self, stage: Stage, cohort: Cohort, connect: Connect
    ) -> None:
        """A session closes its connection, which leaves the cohort."""
        stage.second()
        client = connect()
        enter(cohort, client)
        client.viewer_gone = lambda viewer, reason: cohort.leave(viewer)  # type: ignore[method-assign]
        cohort.dismiss("disabled")
        enter(cohort, client)
        client.vanish()
        stage.second()
        cohort.push()
        assert len(cohort) == 0
