"""HLS over HTTP: a master playlist with a session, the media playlist, and segments."""

import os
import re
import socket
import time
from pathlib import Path

import pytest

from broadcast import broadcast, setup
from media_worker import Worker
from oxbow.media.stream import StreamWriter
from oxbow.rooms.live.gateways.http.exchange import IDLE_SECONDS
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.cutting import cut_banned
from waiting import soon

from .conftest import Client, Connect

MASTER = "/hub/stream.m3u8"
PACKET = 188


async def go_live(client: Client, size: int = 100) -> StreamWriter:
    """Bring the stream on air and wait for its first segment, as the first viewer does."""
    writer = client.worker.on_air()
    await client.ask(MASTER)
    await soon(lambda: client.session._waiting)
    writer.write([*setup(), *broadcast(0, 3000, size=size)])
    assert (await client.answer()).status == 200
    return writer


async def media_playlist(client: Client, query: str = "") -> tuple[str, str]:
    """Go the way of a player: (address of the media playlist, its text)."""
    master = (await client.get(MASTER + query)).body.decode()
    (line,) = [line for line in master.splitlines() if line and not line.startswith("#")]
    return f"/hub/{line}", (await client.get(f"/hub/{line}")).body.decode()


def segments(playlist: str) -> list[str]:
    return [f"/hub/{line}" for line in playlist.splitlines() if line and not line.startswith("#")]


def open_segments() -> int:
    return sum(1 for link in Path("/proc/self/fd").iterdir() if os.path.realpath(link).endswith(".ts"))


async def test_the_way_from_the_master_playlist_to_a_segment(client: Client) -> None:
    await go_live(client)
    master = await client.get(MASTER)
    assert master.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert master.headers["cache-control"] == "no-cache"
    assert "#EXT-X-STREAM-INF:" in master.body.decode()
    address, text = await media_playlist(client, "?token=a")
    session = re.findall(r"session=([0-9a-f]{16})$", address)[0]
    assert address == f"/hub/stream.m3u8?token=a&session={session}"
    assert [target.partition("?")[2] for target in segments(text)] == [f"session={session}"] * 2
    for target in segments(text):
        segment = await client.get(target)
        assert (segment.status, segment.headers["content-type"]) == (200, "video/mp2t")
        assert segment.headers["cache-control"] == "max-age=60"
        assert len(segment.body) % PACKET == 0
        assert set(segment.body[::PACKET]) == {0x47}


async def test_all_that_one_session_asks_for_is_one_viewer(client: Client, worker: Worker) -> None:
    await go_live(client)
    worker.plane.shelf.figures()
    address, text = await media_playlist(client)
    sizes = [len((await client.get(target)).body) for target in (address, *segments(text))]
    share = worker.plane.shelf.figures()["hub", "stream"][Way()]
    assert [f"session={session}" for session in share.sessions] == [address.partition("?")[2]]
    assert share.sent_bytes > sum(sizes)


async def test_head_tells_the_size_and_sends_nothing(client: Client) -> None:
    await go_live(client)
    address, text = await media_playlist(client)
    for target in (address, segments(text)[0]):
        told = await client.get(target, "HEAD")
        got = await client.get(target)
        assert (told.status, told.body) == (200, b"")
        assert int(told.headers["content-length"]) == len(got.body)


async def test_a_playlist_is_waited_for(client: Client, worker: Worker) -> None:
    await client.ask(MASTER)
    await soon(lambda: client.session._waiting)
    writer = worker.on_air()
    await soon(lambda: writer.is_watched(), "the demand of who waits")
    writer.write([*setup(), *broadcast(0, 3000)])
    assert (await client.answer()).body.startswith(b"#EXTM3U")
    assert (await client.get("/x")).status == 404, "and the connection goes on"


async def test_but_not_for_ever(client: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    await client.ask(MASTER)
    await soon(lambda: client.session._waiting)
    monkeypatch.setattr(worker.plane.shelf, "_clock", lambda: float("inf"))
    answer = await client.answer()
    assert (answer.status, answer.json()) == (404, {"error": "the stream is not live"})


async def test_who_goes_while_waiting_is_not_answered(client: Client, worker: Worker) -> None:
    await client.ask(MASTER)
    await soon(lambda: client.session._waiting)
    client.writer.close()
    await client.gone()
    assert worker.plane.shelf._streams["hub", "stream"].pending == []


@pytest.mark.parametrize("name", ["0-0", "{life}-4711", "{life}-999999999999999999"])
async def test_segments_that_are_not_there(client: Client, name: str) -> None:
    await go_live(client)
    life = re.findall(r"stream/(\w+)-", (await media_playlist(client))[1])[0]
    answer = await client.get(f"/hub/stream/{name.format(life=life)}.ts")
    assert answer.status == 404
    assert answer.json() == {"error": "there is no such segment, or not any more"}


@pytest.mark.parametrize("name", ["x-0", "index", "../stream/0-0", "0-0.ts/0-0"])
async def test_what_is_no_segments_name(client: Client, name: str) -> None:
    assert (await client.get(f"/hub/stream/{name}.ts")).status == 404


async def test_requests_sent_ahead_are_answered_in_order(client: Client) -> None:
    await go_live(client)
    address, text = await media_playlist(client)
    targets = [address, *segments(text), "/x", *reversed(segments(text))]
    alone = [(await client.get(target)).body for target in targets if target != "/x"]
    for target in targets:
        client.writer.write(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    together = [await client.answer() for _ in targets]
    assert [answer.body for answer in together if answer.status == 200] == alone
    assert together[3].status == 404


async def test_the_last_segment_before_a_hang_up_is_whole(client: Client) -> None:
    await go_live(client)
    target = segments((await media_playlist(client))[1])[0]
    whole = (await client.get(target)).body
    assert (await client.get(target, Connection="close")).body == whole
    assert await client.rest() == b""


class TestSlowClient:
    """One whose socket takes less than a segment."""

    @pytest.fixture
    async def target(self, client: Client) -> str:
        await go_live(client, size=8000)
        return segments((await media_playlist(client))[1])[0]

    @pytest.fixture
    async def slow(self, connect: Connect) -> Client:
        slow = await connect(receive_buffer=4096)
        slow.session.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return slow

    async def test_it_gets_the_whole_segment(self, client: Client, slow: Client, target: str) -> None:
        whole = (await client.get(target)).body
        await slow.ask(target)
        await slow.ask("/x")
        await soon(lambda: slow.session._file is not None and slow.session._queue)
        assert (await slow.answer()).body == whole
        assert (await slow.answer()).status == 404, "the next answer comes behind it"

    async def test_one_that_goes_in_the_middle_leaves_nothing_open(self, slow: Client, target: str) -> None:
        await slow.ask(target)
        await soon(lambda: slow.session._file)
        assert open_segments() == 1
        slow.writer.transport.abort()
        await slow.gone()
        assert open_segments() == 0

    async def test_one_that_takes_nothing_more_is_shown_out(
        self, slow: Client, target: str, worker: Worker
    ) -> None:
        await slow.ask(target)
        await soon(lambda: slow.session._file is not None and slow.session._file[1])
        worker.media.sweep(slow.session.loop.time() + IDLE_SECONDS + 1)
        assert slow.session not in worker.media.connections

    async def test_so_is_one_that_does_not_take_the_next_answers_head(
        self, slow: Client, target: str, worker: Worker
    ) -> None:
        slow.session.send(bytes(100_000))  # as much as it takes to fill both sockets
        await soon(lambda: slow.session.has_unsent)
        await slow.ask(target)
        await soon(lambda: slow.session._file is not None)
        worker.media.sweep(slow.session.loop.time() + IDLE_SECONDS + 1)
        assert slow.session not in worker.media.connections


async def test_a_ban_refuses_who_waits_for_a_playlist(client: Client, worker: Worker) -> None:
    await client.ask("/hub/stream.m3u8")
    await soon(lambda: client.session._waiting)
    worker.ban("stream", "a complaint")
    cut_banned(worker.plane, time.time())
    answer = await client.answer()
    assert (answer.status, answer.json()) == (403, {"error": "the stream is disabled: a complaint"})
    (record,) = worker.plane.refusals.take()
    assert (record.reqid, record.rule) == (answer.headers["x-reqid"], "disabled")
