"""RTMP sessions, with the protocol's own client over TCP."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broadcast import broadcast, flv_tags, is_key, log_bytes, same_media, setup
from media_worker import Worker, address
from oxbow.proto.rtmp.client import ClientConnection, ClientEvent, StatusReceived, StreamEnded
from oxbow.proto.rtmp.message import DATA, VIDEO, Message
from oxbow.rooms.live.control.messages import PlayAnswer, PublishAnswer, PublishEnded
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.worker.cutting import cut_banned
from waiting import soon


class Client:
    """An encoder or player."""

    def __init__(self, worker: Worker, app: str = "hub") -> None:
        self._worker = worker
        self.rtmp = ClientConnection(app, f"rtmp://push.example.com/{app}")
        self.events: list[ClientEvent] = []
        self.closed = False

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(*address(self._worker.rtmp))
        self.pump = asyncio.create_task(self._pump())

    async def _pump(self) -> None:
        self.flush()
        while data := await self.reader.read(65536):
            self.events += self.rtmp.receive(data)
            self.flush()
        self.closed = True

    @property
    def socket(self) -> socket.socket:
        return self.writer.get_extra_info("socket")  # type: ignore[no-any-return]

    def flush(self) -> None:
        self.writer.write(self.rtmp.data_to_send())

    def codes(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, StatusReceived)]

    def media(self) -> list[Message]:
        return [event for event in self.events if isinstance(event, Message)]

    def send(self, messages: list[Message]) -> None:
        for message in messages:
            self.rtmp.send(message.type_id, message.timestamp, message.payload)
        self.flush()

    def command(self, name: str, *values: object, stream_id: int = 1) -> None:
        """Something that our own client doesn't say by itself."""
        self.rtmp._out.command(name, 0, None, *values, stream_id=stream_id)
        self.flush()

    async def until(self, code: str) -> None:
        await self.when(lambda: code in self.codes(), code)

    async def when(self, condition: Callable[[], Any], what: str = "it") -> None:
        await soon(condition, what, meanwhile=self._worker.tick)


async def publisher(worker: Worker, name: str = "stream?token=a") -> Client:
    client = Client(worker)
    client.rtmp.publish(name)
    await client.open()
    return client


async def player(worker: Worker, name: str = "stream") -> Client:
    client = Client(worker)
    client.rtmp.play(name)
    await client.open()
    return client


async def test_what_is_published_is_in_the_log_and_the_players_get_it(worker: Worker, shm: Path) -> None:
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    who, query, domain = worker.link.asked[0]
    assert (who.hub, who.stream, query, domain) == ("hub", "stream", "token=a", "push.example.com")
    sent = [*setup(), *broadcast(0, 2000)]
    source.send(sent)
    watcher = await player(worker)
    await watcher.when(lambda: any(map(is_key, watcher.media())))
    source.send(broadcast(2000, 3000))
    await watcher.when(lambda: watcher.media()[-1].timestamp == 2960)
    logged = [same_media(tag) for tag in flv_tags(log_bytes(shm / "hub" / "stream"))]
    expected = [same_media(message) for message in [*sent[1:], *broadcast(2000, 3000)]]
    assert [media for media in logged if media[0] != DATA] == expected
    assert same_media(sent[0])[2] in [media[2] for media in logged], "metadata may come a tick later"
    got = [same_media(message) for message in watcher.media() if message.type_id != DATA][2:]
    assert got == expected[-len(got) :]


async def test_an_encoder_that_ends_properly_is_reported_once(worker: Worker) -> None:
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    source.rtmp.close_stream()
    source.flush()
    await source.when(lambda: source.closed)
    assert [m.reason for m in worker.link.sent if isinstance(m, PublishEnded)] == ["finished"]
    assert worker.plane.publishing.infos() == []


async def test_a_refusal_reaches_the_encoder_with_its_reason(worker: Worker) -> None:
    worker.link.answers.append(PublishAnswer(1, "token_expired", "the token has expired"))
    source = await publisher(worker)
    await source.when(lambda: source.closed)
    (refusal,) = [event for event in source.events if isinstance(event, StatusReceived)]
    assert (refusal.code, refusal.level) == ("NetStream.Publish.BadName", "error")
    (record,) = worker.plane.refusals.take()
    assert refusal.description == f"token_expired: the token has expired (reqid {record.reqid})"
    assert (record.what, record.rule, record.hub, record.stream) == (
        "publish",
        "publishSecurity",
        "hub",
        "stream",
    )
    assert worker.plane.refused == {"token_expired": 1}


async def test_one_that_hangs_up_before_it_is_let_in_gives_back_what_it_was_granted(worker: Worker) -> None:
    worker.link.open.clear()
    source = await publisher(worker)
    await source.when(lambda: worker.link.asked)
    (session,) = worker.rtmp.connections
    session.close("disconnected")
    await source.when(lambda: worker.link.sent)
    (ended,) = worker.link.sent
    assert isinstance(ended, PublishEnded)
    assert ended.session == worker.link.asked[0][0].session
    assert worker.registry.streams() == []


async def test_a_stream_that_another_process_writes_is_no_room(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oxbow.rooms.live.gateways.rtmp.bounds.BUSY_PAUSE", 0.0)
    other = worker.registry.writer("hub", "stream", worker.plane.stream_options(5.0))
    source = await publisher(worker)
    await source.when(lambda: source.closed)
    assert source.codes() == ["NetStream.Publish.BadName"]
    assert [m.reason for m in worker.link.sent if isinstance(m, PublishEnded)] == ["no_room"]
    other.leave()


@pytest.mark.parametrize("name", ["x", "a/b/c", "bad name", "..%2f..%2fetc"])
async def test_addresses_that_name_no_stream_are_refused(worker: Worker, name: str) -> None:
    source = await publisher(worker, name)
    await source.when(lambda: source.closed)
    assert source.codes() == ["NetStream.Publish.BadName"]
    assert worker.link.asked == []


@pytest.mark.parametrize(("app", "name"), [("hub", "banned"), ("nothing", "stream")])
async def test_players_that_may_not_watch_are_told(worker: Worker, app: str, name: str) -> None:
    client = Client(worker, app)
    client.rtmp.play(name)
    await client.open()
    await client.when(lambda: client.closed)
    assert client.codes() == ["NetStream.Play.Failed"]


@pytest.mark.parametrize("answer", [PlayAnswer(1, "origin_refused", "no"), None], ids=["no", "no answer"])
async def test_a_player_whom_an_operators_server_refuses_is_told(
    worker: Worker, answer: PlayAnswer | None
) -> None:
    worker.ask_origin("push.example.com", DomainType.LIVE_RTMP)
    worker.link.play_answer = answer
    client = Client(worker)
    client.rtmp.play("stream?token=x")
    await client.open()
    await client.when(lambda: client.closed)
    assert client.codes() == ["NetStream.Play.Failed"]
    (question,) = worker.link.questions
    assert (question.hub, question.stream, question.query) == ("hub", "stream", "token=x")
    assert (question.domain, question.protocol) == ("push.example.com", "rtmp")


async def test_no_pause_lets_in_whom_nobody_let_in(worker: Worker) -> None:
    worker.ask_origin("push.example.com", DomainType.LIVE_RTMP)
    writer = worker.on_air()
    writer.write([*setup(), *broadcast(0, 1000)])
    worker.link.open.clear()
    worker.link.play_answer = PlayAnswer(1, "origin_refused", "no")
    client = Client(worker)
    client.rtmp.play("stream")
    await client.open()
    await client.when(lambda: worker.link.questions)
    client.command("pause", False, 0)
    worker.link.open.set()
    client.command("pause", False, 0)
    await client.when(lambda: client.closed)
    assert "NetStream.Play.Failed" in client.codes()
    assert client.media() == []


async def test_a_player_waits_and_is_told_when_nobody_comes(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = await player(worker)
    await watcher.until("NetStream.Play.Start")
    worker.plane.watching._clock = lambda: 10**9
    worker.plane.watching.second()
    await watcher.when(lambda: watcher.closed)
    assert watcher.codes()[-1] == "NetStream.Play.StreamNotFound"


async def test_a_cut_ends_publisher_and_players(worker: Worker) -> None:
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    source.send([*setup(), *broadcast(0, 1000)])
    watcher = await player(worker)
    await watcher.when(lambda: any(map(is_key, watcher.media())))
    worker.plane.publishing.cut("hub", "stream", "disabled")
    worker.plane.watching.cut("hub", "stream", "disabled")
    await watcher.when(lambda: watcher.closed and source.closed)
    assert any(isinstance(event, StreamEnded) for event in watcher.events)
    assert (source.codes()[-1], watcher.codes()[-1]) == (
        "NetStream.Publish.BadName",
        "NetStream.Play.Failed",
    )
    assert worker.plane.publishing.streams() == set()


async def test_a_ban_is_enforced_and_its_reason_told(worker: Worker) -> None:
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    source.send([*setup(), *broadcast(0, 1000)])
    watcher = await player(worker)
    await watcher.when(lambda: any(map(is_key, watcher.media())))
    worker.ban("stream", "a complaint")
    cut_banned(worker.plane, time.time())
    await watcher.when(lambda: watcher.closed and source.closed)
    last = [
        [event for event in client.events if isinstance(event, StatusReceived)][-1].description
        for client in (source, watcher)
    ]
    assert all("the stream is disabled: a complaint" in description for description in last)
    (record,) = worker.plane.refusals.take()
    assert (record.rule, record.message) == ("disabled", "the stream is disabled: a complaint")
    assert record.reqid in last[0]


async def test_what_is_not_banned_goes_on(worker: Worker) -> None:
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    worker.ban("other", "a complaint")
    cut_banned(worker.plane, time.time())
    assert worker.plane.publishing.streams() == {("hub", "stream")}


async def test_what_is_no_rtmp_ends_the_connection(worker: Worker) -> None:
    reader, writer = await asyncio.open_connection(*address(worker.rtmp))
    writer.write(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n" * 100)
    async with asyncio.timeout(10):
        await reader.read()
        assert worker.plane.refused == {"protocol_error": 1}
        writer.close()
        await soon(lambda: not worker.rtmp.connections)


async def watched(worker: Worker) -> tuple[Client, Client]:
    """A publisher, and a player that has its first keyframe."""
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    source.send([*setup(), *broadcast(0, 1000)])
    watcher = await player(worker)
    await watcher.when(lambda: any(map(is_key, watcher.media())))
    return source, watcher


def ended(worker: Worker) -> list[str]:
    return [message.reason for message in worker.link.sent if isinstance(message, PublishEnded)]


async def test_a_paused_player_gets_nothing_and_goes_on_at_a_keyframe(worker: Worker) -> None:
    source, watcher = await watched(worker)
    watcher.command("pause", True, 0)
    await watcher.until("NetStream.Pause.Notify")
    assert worker.plane.watching._of == {}
    before = len(watcher.media())
    source.send(broadcast(1000, 3000))
    (session,) = (c for c in worker.rtmp.connections if c.peer.endswith(f":{port(watcher)}"))
    await watcher.when(lambda: log_has(worker, 2960))
    assert len(watcher.media()) == before
    watcher.command("pause", False, 0)
    await watcher.until("NetStream.Unpause.Notify")
    await watcher.when(lambda: watcher.media()[-1].timestamp == 2960)
    resumed = [message for message in watcher.media()[before:] if message.type_id != DATA]
    assert [message.timestamp for message in resumed[:3]] == [2000, 2000, 2000], "setup, then the keyframe"
    assert is_key(resumed[2])
    assert session in worker.rtmp.connections


async def test_one_that_pauses_while_it_lags_gets_whole_messages_only(worker: Worker) -> None:
    source, watcher = await watched(worker)
    (session,) = (c for c in worker.rtmp.connections if c.peer.endswith(f":{port(watcher)}"))
    for sock, option in ((session.sock, socket.SO_SNDBUF), (watcher.socket, socket.SO_RCVBUF)):
        sock.setsockopt(socket.SOL_SOCKET, option, 1 << 16)
    watcher.reader._transport.pause_reading()
    source.send(broadcast(1000, 2000, size=40_000))
    await watcher.when(lambda: log_has(worker, 1960))
    watcher.command("pause", True, 0)
    await watcher.when(lambda: session._side._viewer.own, "the pause")
    watcher.reader._transport.resume_reading()
    await watcher.until("NetStream.Pause.Notify")
    source.send(broadcast(2000, 3000))
    await watcher.when(lambda: watcher.media()[-1].timestamp == 2960)
    sizes = [len(m.payload) for m in watcher.media() if m.type_id == VIDEO and 1000 <= m.timestamp < 2000]
    assert len(sizes) == 25
    assert len(set(sizes)) == 1


async def test_a_player_that_deletes_its_stream_goes_and_nobody_else_does(worker: Worker) -> None:
    source, watcher = await watched(worker)
    watcher.rtmp.close_stream()
    watcher.flush()
    await watcher.when(lambda: watcher.closed)
    assert (worker.plane.watching._of, ended(worker), source.closed) == ({}, [], False)


async def test_a_connection_plays_one_stream(worker: Worker) -> None:
    _, watcher = await watched(worker)
    watcher.command("createStream")
    watcher.command("play", "other", stream_id=2)
    await watcher.when(lambda: watcher.closed)
    assert watcher.codes()[-1] == "NetStream.Play.Failed"
    assert worker.plane.refused == {"second_stream": 1}


async def test_a_connection_publishes_one_stream(worker: Worker) -> None:
    """A second one would take the place of the first, which would stay on air for ever."""
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    source.command("createStream")
    source.command("publish", "other", "live", stream_id=2)
    await source.when(lambda: source.closed)
    assert source.codes()[-1] == "NetStream.Publish.BadName"
    assert [who.stream for who, _, _ in worker.link.asked] == ["stream"]
    source.writer.close()
    await source.when(lambda: not worker.rtmp.connections)
    assert len(ended(worker)) == 1
    assert worker.plane.publishing.infos() == []


async def test_a_player_does_not_publish(worker: Worker) -> None:
    _, watcher = await watched(worker)
    watcher.command("createStream")
    watcher.command("publish", "other", "live", stream_id=2)
    await watcher.when(lambda: watcher.closed)
    assert watcher.codes()[-1] == "NetStream.Publish.BadName"
    assert [who.stream for who, _, _ in worker.link.asked] == ["stream"]


async def test_a_publisher_that_falls_silent_is_disconnected(worker: Worker) -> None:
    source = await publisher(worker)
    await source.until("NetStream.Publish.Start")
    (session,) = worker.rtmp.connections
    session._side._last_data -= worker.plane.settings.publish_idle_seconds - 5
    worker.plane.publishing.second()
    assert session in worker.rtmp.connections
    session._side._last_data -= 5
    worker.plane.publishing.second()
    await source.when(lambda: source.closed)
    assert ended(worker) == ["silent"]


def port(client: Client) -> int:
    found: int = client.writer.get_extra_info("sockname")[1]
    return found


def log_has(worker: Worker, timestamp: int) -> bool:
    directory = worker.registry.directory("hub", "stream")
    return flv_tags(log_bytes(directory))[-1].timestamp >= timestamp
