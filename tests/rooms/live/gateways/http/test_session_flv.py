"""FLV over HTTP, and over WebSocket."""

import base64
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from broadcast import broadcast, flv_file, is_key, same_media, setup
from media_worker import Worker
from oxbow.proto import flv
from oxbow.rooms.live.worker.cutting import cut_banned
from waiting import soon

from .conftest import Client, Connect

FLV = "/hub/stream.flv"


def has_key(data: bytes) -> bool:
    return len(data) > len(flv.FILE_HEADER) and any(map(is_key, flv_file(data)))


def reaches(timestamp: int) -> Callable[[bytes], bool]:
    return lambda data: has_key(data) and flv_file(data)[-1].timestamp >= timestamp


def check_media(data: bytes, first: int) -> None:
    """The head with its three tags, and what was broadcast from the time `first` on, without a gap."""
    tags = flv_file(data)
    assert [bytes(tag.payload) for tag in tags[:3]] == [message.payload for message in setup()]
    assert {tag.timestamp for tag in tags[:3]} == {first}, "a player's clock starts with what it sees first"
    got = [same_media(tag) for tag in tags[3:]]
    assert got == [same_media(message) for message in broadcast(first, 10_000)[: len(got)]]


class TestFlv:
    """A viewer with a plain GET."""

    async def test_it_gets_the_head_and_goes_on_from_the_last_keyframe(
        self, client: Client, worker: Worker
    ) -> None:
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 2000)])
        answer = await client.get(FLV)
        assert (answer.status, answer.headers["content-type"]) == (200, "video/x-flv")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["connection"] == "close"
        assert not {"content-length", "transfer-encoding"} & answer.headers.keys()
        await client.until(has_key)
        writer.write(broadcast(2000, 3000))
        await client.until(reaches(2960))
        check_media(client.seen, 1000)

    async def test_who_comes_early_waits_for_the_stream(self, client: Client, worker: Worker) -> None:
        await client.ask(FLV)
        await soon(lambda: client.session._viewer)
        writer = worker.on_air()
        writer.write(setup())
        worker.tick()
        writer.write(broadcast(0, 1000))
        assert (await client.answer()).status == 200
        await client.until(reaches(960))
        check_media(client.seen, 0)

    async def test_http_1_0_gets_the_same(self, client: Client, worker: Worker) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await client.ask(FLV, version="1.0")
        assert (await client.answer()).status == 200
        await client.until(reaches(960))
        check_media(client.seen, 0)

    async def test_nobody_waits_for_ever(
        self, client: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await client.ask(FLV)
        await soon(lambda: client.session._viewer)
        monkeypatch.setattr(worker.plane.watching, "_clock", lambda: float("inf"))
        worker.plane.watching.second()
        answer = await client.answer()
        assert (answer.status, answer.json()) == (404, {"error": "the stream is not live"})
        assert answer.headers["connection"] == "close"
        assert await client.rest() == b""
        assert worker.plane.refused == {"not_live": 1}

    async def test_a_cut_refuses_those_who_wait(self, client: Client, worker: Worker) -> None:
        await client.ask(FLV)
        await soon(lambda: client.session._viewer)
        worker.plane.watching.cut("hub", "stream", "disabled")
        answer = await client.answer()
        assert (answer.status, answer.json()) == (403, {"error": "disabled"})
        assert await client.rest() == b""

    async def test_a_cut_ends_it_for_those_who_watch(self, client: Client, worker: Worker) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await client.get(FLV)
        await client.until(reaches(960))
        worker.plane.watching.cut("hub", "stream", "disabled")
        assert await client.rest() == b""
        assert worker.media.connections == set()

    async def test_the_end_of_the_stream_is_the_end_of_the_body(self, client: Client, worker: Worker) -> None:
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 1000)])
        await client.get(FLV)
        await client.until(has_key)
        worker.end(writer)
        client.seen += await client.rest()
        check_media(client.seen, 0)
        assert flv_file(client.seen)[-1].timestamp == 960

    @pytest.mark.parametrize("live", [True, False], ids=["watching", "waiting"])
    async def test_who_leaves_is_forgotten(self, client: Client, worker: Worker, live: bool) -> None:
        if live:
            worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await client.ask(FLV)
        await soon(lambda: client.session._viewer)
        client.writer.close()
        await client.gone()
        worker.plane.watching.second()
        assert (worker.plane.watching._of, worker.plane.watching._audiences) == ({}, {})

    async def test_what_a_viewer_sends_besides_changes_nothing(self, client: Client, worker: Worker) -> None:
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 1000)])
        await client.get(FLV)
        await client.send(b"GET /nothing HTTP/1.1\r\n\r\n\x00")
        writer.write(broadcast(1000, 2000))
        await client.until(reaches(1960))
        check_media(client.seen, 0)


class TestHead:
    """Players that look before they watch."""

    async def test_it_tells_that_the_stream_is_live_and_keeps_the_connection(
        self, client: Client, worker: Worker
    ) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        for _ in range(2):
            answer = await client.get(FLV, "HEAD")
            assert (answer.status, answer.headers["content-type"]) == (200, "video/x-flv")
            assert "content-length" not in answer.headers
        assert (await client.get(FLV)).status == 200

    async def test_it_does_not_wait(self, client: Client, worker: Worker) -> None:
        answer = await client.get(FLV, "HEAD")
        assert answer.status == 404
        assert (await client.get("/x")).status == 404, "no body stands in the way of the next answer"
        assert worker.plane.refused == {"not_live": 1, "bad_address": 1}


class WebSocket:
    """A viewer in a browser."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.events: list[Event] = []

    async def open(self, target: str = FLV) -> None:
        await self.client.send(self.protocol.send(Request(host="pull.example.com", target=target)))

    async def until(self, condition: Callable[[], Any]) -> None:
        def feed(data: bytes) -> bool:
            self.client.seen = b""
            if data:
                self.protocol.receive_data(data)
                self.events += self.protocol.events()
            return bool(condition())

        await self.client.until(feed)

    async def until_event(self, kind: type) -> Any:
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))

    @property
    def media(self) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, BytesMessage))

    async def send(self, event: Event) -> None:
        await self.client.send(self.protocol.send(event))


@pytest.fixture
async def websocket(client: Client) -> WebSocket:
    return WebSocket(client)


class TestWebSocket:
    """FLV in binary messages (RFC 6455)."""

    async def test_the_upgrade_proves_that_it_was_understood(self, client: Client, worker: Worker) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        # The example of RFC 6455 section 1.3.
        answer = await client.get(
            FLV, Upgrade="WebSocket", Connection="Upgrade", Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ=="
        )
        assert answer.status == 101
        assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert (answer.headers["upgrade"], answer.headers["connection"]) == ("websocket", "Upgrade")
        assert answer.headers["x-reqid"]

    async def test_messages_carry_the_same_as_flv(self, websocket: WebSocket, worker: Worker) -> None:
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 2000)])
        await websocket.open()
        await websocket.until(lambda: has_key(websocket.media))
        for start in range(2000, 3000, 200):
            writer.write(broadcast(start, start + 200))
            await websocket.until(lambda until=start + 160: reaches(until)(websocket.media))
        check_media(websocket.media, 1000)
        assert isinstance(websocket.events[0], AcceptConnection)

    async def test_who_comes_early_waits_for_the_stream(self, websocket: WebSocket, worker: Worker) -> None:
        await websocket.open()
        await soon(lambda: websocket.client.session._viewer)
        assert websocket.events == []
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await websocket.until(lambda: reaches(960)(websocket.media))
        check_media(websocket.media, 0)

    async def test_one_that_waited_in_vain_is_refused_in_http(
        self, websocket: WebSocket, worker: Worker
    ) -> None:
        await websocket.open()
        await soon(lambda: websocket.client.session._viewer)
        worker.plane.watching.cut("hub", "stream", "disabled")
        assert (await websocket.until_event(RejectConnection)).status_code == 403

    async def test_a_ban_is_told_in_a_close_frame(self, websocket: WebSocket, worker: Worker) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await websocket.open()
        await websocket.until(lambda: reaches(960)(websocket.media))
        worker.ban("stream", "违规" * 100)
        cut_banned(worker.plane, time.time())
        goodbye = await websocket.until_event(CloseConnection)
        assert goodbye.code == 1008
        assert goodbye.reason.startswith("the stream is disabled: 违规")

    async def test_a_ping_is_answered_between_the_messages(
        self, websocket: WebSocket, worker: Worker
    ) -> None:
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 1000)])
        await websocket.open()
        await websocket.until_event(AcceptConnection)
        for number in range(3):
            await websocket.send(Ping(b"%d" % number))
            writer.write(broadcast(1000 + 1000 * number, 2000 + 1000 * number))
            await websocket.until(lambda: isinstance(websocket.events[-1], Pong | BytesMessage))
        await websocket.until(lambda: reaches(3960)(websocket.media))
        await websocket.until(lambda: len(pongs(websocket)) == 3)
        assert pongs(websocket) == [b"0", b"1", b"2"]
        check_media(websocket.media, 0)

    async def test_what_a_viewer_says_besides_is_not_listened_to(
        self, websocket: WebSocket, worker: Worker
    ) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await websocket.open()
        await websocket.until_event(AcceptConnection)
        await websocket.send(TextMessage("hello"))
        await websocket.send(BytesMessage(os.urandom(100_000)))
        await websocket.send(Ping(b"still here?"))
        await websocket.until_event(Pong)

    async def test_a_viewers_close_is_answered(self, websocket: WebSocket, worker: Worker) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await websocket.open()
        await websocket.until(lambda: reaches(960)(websocket.media))
        await websocket.send(CloseConnection(code=1001))
        assert (await websocket.until_event(CloseConnection)).code == 1001
        assert await websocket.client.rest() == b""
        worker.plane.watching.second()
        assert worker.plane.watching._of == {}

    async def test_the_end_of_the_stream_is_a_normal_closure(
        self, websocket: WebSocket, worker: Worker
    ) -> None:
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 1000)])
        await websocket.open()
        await websocket.until_event(AcceptConnection)
        worker.end(writer)
        closed = await websocket.until_event(CloseConnection)
        assert (closed.code, closed.reason) == (1000, "the stream has ended")
        check_media(websocket.media, 0)
        assert await websocket.client.rest() == b""

    async def test_frames_that_break_the_rules_end_it(self, websocket: WebSocket, worker: Worker) -> None:
        worker.on_air().write([*setup(), *broadcast(0, 1000)])
        await websocket.open()
        await websocket.until(lambda: reaches(960)(websocket.media))
        await websocket.client.send(b"\x89\x00")  # a ping without a mask
        await websocket.client.rest()
        await websocket.client.gone()

    async def test_without_a_key_it_is_no_upgrade(self, client: Client) -> None:
        answer = await client.get(FLV, Upgrade="websocket", Connection="Upgrade")
        assert (answer.status, answer.json()) == (
            400,
            {"error": "a WebSocket request carries Sec-WebSocket-Key"},
        )

    async def test_another_upgrade_is_not_taken_up(self, connect: Connect) -> None:
        """As curl asks for HTTP/2: the answer is plain, and the last one since the rest can't be read."""
        client = await connect()
        settings = base64.b64encode(bytes(18)).decode()
        await client.ask("/x", Upgrade="h2c", Connection="Upgrade, HTTP2-Settings", HTTP2_Settings=settings)
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (404, "close")
        assert await client.rest() == b""


def pongs(websocket: WebSocket) -> list[bytes]:
    return [bytes(event.payload) for event in websocket.events if isinstance(event, Pong)]
