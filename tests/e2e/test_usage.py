"""What statistics count is what real clients' sockets took and gave, byte for byte."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import httpx
import pytest

from e2e.media import Publisher, eventually
from e2e.raw import HOST, VIEWERS, Encoder, Viewer, connect, see_on
from e2e.server import Server
from oxbow.client import Client

YESTERDAY = timedelta(days=1)
HANDSHAKE = 1 + 1536 + 1536
COMMANDS = 2000
"""Bytes that an RTMP player is told besides media, at most: the answers to its commands."""
CLOSE_FRAME = 2 + 125
"""The longest farewell over WebSocket (RFC 6455 section 5.5)."""
UNCOUNTED = {"flv": range(1), "ws": range(2, CLOSE_FRAME + 1), "rtmp": range(HANDSHAKE, HANDSHAKE + COMMANDS)}
"""How many bytes a viewer gets that don't count: handshakes, commands and farewells."""


def flow(api: Client, hub: str, way: str) -> int:
    """A hub's bytes of today, and of yesterday should midnight have passed."""
    begin = (datetime.now(ZoneInfo("Asia/Shanghai")) - YESTERDAY).strftime("%Y%m%d")
    rows = api.get(f"/statd/{way}?%24hub={hub}&begin={begin}&g=5min&select=flow")
    return sum(row["values"]["flow"] for row in rows)


def settled(ask: Callable[[], int], at_least: int) -> int:
    """What is answered twice in a row, once it is as much as has come."""
    answers: list[int] = []

    def same() -> int:
        answers.append(ask())
        return answers[-1] if answers[-1] >= at_least and answers[-2:-1] == answers[-1:] else 0

    return eventually(same, f"{at_least} bytes to be counted, not {answers}")


class CountingSocket:
    """A socket that counts what goes through it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.sent = 0
        self.received = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(data)
        self.sent += len(data)

    def recv(self, size: int) -> bytes:
        data = self._sock.recv(size)
        self.received += len(data)
        return data


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that writes usage at once, for all tests here."""
    with Server(tmp_path_factory.mktemp("metered") / "home", metering_flush_seconds=0.2) as running:
        yield running
    running.clean()


@pytest.fixture
def api(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.mark.parametrize("protocol", list(VIEWERS))
def test_viewers_who_stay_to_the_end_got_what_is_counted(
    server: Server, api: Client, hub: str, protocol: str
):
    """The stream ends, so that everything the server sent is read."""
    api.post(f"/v2/hubs/{hub}/publish", {"graceSeconds": 0})
    port = server.rtmp_port if protocol == "rtmp" else server.media_port
    encoder = CountingSocket(connect(server.rtmp_port))
    with Encoder(server, f"{hub}/stream", sock=encoder) as publisher:  # type: ignore[arg-type]
        asked = encoder.sent
        publisher.go_live(size=20_000)
        sockets = [CountingSocket(connect(port)) for _ in range(3)]
        viewers: list[Viewer] = [VIEWERS[protocol](sock, f"{hub}/stream").read() for sock in sockets]
        see_on(*viewers)
    eventually(lambda: all(viewer.ended for viewer in viewers), "the end")
    received = sum(sock.received for sock in sockets)
    uncounted = UNCOUNTED[protocol]
    sent = settled(partial(flow, api, hub, "downflow"), received - len(sockets) * uncounted[-1])
    assert (received - sent) // len(sockets) in uncounted
    assert protocol != "flv" or sent == received
    # What the encoder said before it was let in doesn't count.
    assert settled(partial(flow, api, hub, "upflow"), 1) == encoder.sent - asked


def fetch(server: Server, address: str) -> tuple[str, bytes, int]:
    """The body, and how many bytes came with its head; a connection for each, read to its end."""
    with connect(server.media_port) as sock:
        target = address.removeprefix(f"http://{HOST}:{server.media_port}")
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(partial(sock.recv, 1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), answer[:500]
    return address, body, len(answer)


def references(playlist: tuple[str, bytes, int]) -> list[str]:
    """The addresses in a playlist."""
    return [
        urljoin(playlist[0], line) for line in re.findall(r"^[^#\n].*$", playlist[1].decode(), re.MULTILINE)
    ]


def test_playlists_and_segments_count_with_their_heads(server: Server, api: Client, hub: str):
    with Encoder(server, f"{hub}/stream").go_live(size=20_000):
        master = fetch(server, server.http(f"{hub}/stream.m3u8"))
        playlist = fetch(server, *references(master))
        segments = [fetch(server, address) for address in references(playlist)]
        assert segments
        received = sum(size for _, _, size in [master, playlist, *segments])
        assert settled(partial(flow, api, hub, "downflow"), received) == received


def test_a_graceful_end_loses_nothing_that_was_counted(new_server, clip, stream):
    server = new_server(metering_flush_seconds=60)
    with server, Publisher(clip("h264+aac"), server.rtmp(f"live/{stream}")), server.client() as api:
        sent = eventually(lambda: api.get("/v2/server")["streams"], "the stream to be live")
        assert sent == 1
        url = server.http(f"live/{stream}.flv")
        with httpx.stream("GET", url, trust_env=False, timeout=20) as answer:
            received = len(next(answer.iter_raw(100_000)))
        eventually(lambda: api.get("/v2/server")["sentBytes"] >= received, "the report")
    with server, server.client() as api:
        assert flow(api, "live", "downflow") >= received
