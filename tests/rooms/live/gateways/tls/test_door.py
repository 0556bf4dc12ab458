"""A port that speaks TLS: handshakes, the gateway behind it, backpressure, and every way to hang up."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest

from broadcast import broadcast, flv_file, setup
from certificates import Authority
from media_worker import Worker, address
from oxbow.media.fanout import FanoutLimits
from oxbow.rooms.live.gateways.tls.bridge import CHUNK
from oxbow.rooms.live.gateways.tls.contexts import Contexts
from oxbow.rooms.live.gateways.tls.door import TlsDoor
from waiting import SOON, soon

REQUEST = b"GET /hub/stream.flv HTTP/1.1\r\nHost: one.example\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[..., Awaitable[Streams]]


@pytest.fixture
def connect(door: TlsDoor, authority: Authority) -> Connect:
    async def make(name: str | None = "one.example", receive_buffer: int = 0) -> Streams:
        context = authority.client_context()
        if name is None:
            context.check_hostname = False
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address(door))
        async with asyncio.timeout(SOON):
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=context, server_hostname=name or "", limit=receive_buffer or 1 << 16
            )
        peer = "{}:{}".format(*writer.get_extra_info("sockname"))
        await soon(lambda: any(connection.peer == peer for connection in door.connections))
        return reader, writer

    return make


def serial(writer: asyncio.StreamWriter) -> str:
    return str(writer.get_extra_info("peercert")["serialNumber"])


def on_air(worker: Worker, until: int = 2000) -> None:
    worker.on_air().write([*setup(), *broadcast(0, until)])


class TestHandshake:
    """Who gets as far as the gateway."""

    async def test_each_domain_shows_its_certificate_and_speaks_http_1(
        self, connect: Connect, door: TlsDoor
    ) -> None:
        _, one = await connect("one.example")
        _, two = await connect("any.two.example")
        assert serial(one) != serial(two)
        tls = one.get_extra_info("ssl_object")
        assert (tls.version(), tls.cipher()[0]) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
        assert {c.peer for c in door.connections} == {
            "{}:{}".format(*writer.get_extra_info("sockname")) for writer in (one, two)
        }
        connection, _ = door.connections
        assert door.local_address(connection) == "{}:{}".format(*address(door))

    async def test_http_1_is_agreed_on(self, door: TlsDoor, authority: Authority) -> None:
        context = authority.client_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await asyncio.open_connection(*address(door), ssl=context, server_hostname="one.example")
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"

    @pytest.mark.parametrize("name", ["unknown.example", "two.example"])
    async def test_a_domain_without_certificate_is_refused_by_name(
        self, connect: Connect, door: TlsDoor, name: str
    ) -> None:
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            await connect(name)
        await soon(lambda: door.refused["tls_unknown_domain"] == 1)
        await soon(lambda: not door._addresses, "the client's address to be forgotten")

    async def test_a_client_that_names_no_domain_is_refused(self, connect: Connect, door: TlsDoor) -> None:
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            await connect(None)

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
    async def test_old_versions_are_refused(
        self, door: TlsDoor, authority: Authority, worker: Worker
    ) -> None:
        context = authority.client_context()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(*address(door), ssl=context, server_hostname="one.example")
        await soon(lambda: door.refused["tls_handshake"] == 1)

    @pytest.mark.parametrize(
        "greeting",
        [REQUEST, b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b"\x00" * 100],
        ids=["HTTP", "an endless greeting", "zeros"],
    )
    async def test_whoever_does_not_speak_tls_is_shown_out(self, door: TlsDoor, greeting: bytes) -> None:
        reader, writer = await asyncio.open_connection(*address(door))
        writer.write(greeting)
        with contextlib.suppress(ConnectionError):  # what it sent and nobody read makes it a reset
            async with asyncio.timeout(SOON):
                await reader.read()
        await soon(lambda: door.refused["tls_handshake"] == 1)
        assert not door.connections

    async def test_a_slow_handshake_ends_at_its_deadline(self, door: TlsDoor) -> None:
        reader, writer = await asyncio.open_connection(*address(door))
        writer.write(b"\x16\x03")
        await soon(lambda: len(door._bridges) == 1)
        loop = asyncio.get_running_loop()
        door.sweep(loop.time() + door.patience - 1)
        assert door._bridges
        door.sweep(loop.time() + door.patience + 1)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        assert door.refused["timeout"] == 1
        assert not door._addresses

    async def test_handshakes_count_for_the_limit_of_an_address(self, door: TlsDoor) -> None:
        silent = [await asyncio.open_connection(*address(door)) for _ in range(8)]
        await soon(lambda: len(door._bridges) == 8)
        reader, _ = await asyncio.open_connection(*address(door))
        assert await reader.read() == b""
        assert door.refused["too_many_connections"] == 1
        silent[0][1].close()
        await soon(lambda: len(door._bridges) == 7)
        silent[0] = await asyncio.open_connection(*address(door))
        await soon(lambda: len(door._bridges) == 8)


class TestReload:
    """Certificates change under running viewers."""

    async def test_a_new_certificate_is_shown_while_who_watches_goes_on(
        self, connect: Connect, contexts: Contexts, authority: Authority, worker: Worker
    ) -> None:
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 1000)])
        reader, viewer = await connect()
        viewer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        await contexts.configure({"one.example": authority.issue("one.example")})
        _, later = await connect()
        assert serial(later) != serial(viewer)
        writer.write(broadcast(1000, 3000))
        seen = b""
        async with asyncio.timeout(SOON):
            while not seen or flv_file(seen)[-1].timestamp < 2900:
                seen += await reader.read(65536)

    async def test_without_its_certificate_a_domain_lets_nobody_new_in(
        self, connect: Connect, contexts: Contexts, door: TlsDoor
    ) -> None:
        watching = await connect()
        await contexts.configure({})
        with pytest.raises(ssl.SSLError):
            await connect()
        assert len(door.connections) == 1
        watching[1].close()


class TestBackpressure:
    """The plain rules hold for who does not read."""

    async def test_a_stalled_viewer_is_dropped_and_its_bytes_are_counted(
        self, connect: Connect, door: TlsDoor, worker: Worker
    ) -> None:
        worker.plane.watching._limits = FanoutLimits(max_lag_seconds=0.2, stall_seconds=0.5)
        writer = worker.on_air()
        writer.write([*setup(), *broadcast(0, 1000)])
        reader, client = await connect(receive_buffer=4096)
        client.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        client.transport.pause_reading()
        time = 1000

        def go_on() -> None:
            nonlocal time
            writer.write(broadcast(time, time + 1000, size=60_000))
            time += 1000

        await soon(lambda: not door.connections, "the drop", go_on)
        figures = worker.plane.watching.figures()["hub", "stream"]
        assert figures.dropped == 1
        assert figures.skipped_bytes > 0
        (bridge,) = door._bridges
        assert len(bridge._pending) <= CHUNK
        door.sweep(asyncio.get_running_loop().time() + 3)
        assert not door._bridges
        assert not door._addresses

    async def test_a_client_that_floods_is_not_read_further_than_the_gateway_reads(
        self, connect: Connect, door: TlsDoor
    ) -> None:
        _, client = await connect()
        (connection,) = door.connections
        connection.pause_reading()
        client.write(b"x" * (16 << 20))
        (bridge,) = door._bridges
        await soon(lambda: bridge._held)
        assert len(bridge._held) <= CHUNK
        connection.close("enough")
        await soon(lambda: not door._bridges, "the end of the bridge")


class TestGoodbye:
    """Both sides see the other hang up."""

    async def test_the_client_hangs_up(self, connect: Connect, door: TlsDoor) -> None:
        _, client = await connect()
        client.close()
        await soon(lambda: not door.connections)
        await soon(lambda: not door._bridges)
        assert not door._addresses

    async def test_the_client_vanishes(self, connect: Connect, door: TlsDoor, worker: Worker) -> None:
        on_air(worker)
        reader, client = await connect()
        client.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        client.transport.abort()
        await soon(lambda: not door.connections)
        await soon(lambda: not door._bridges)

    async def test_an_answer_arrives_whole_before_the_goodbye(self, connect: Connect, door: TlsDoor) -> None:
        reader, client = await connect()
        client.write(b"GET /hub/banned.flv HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(SOON):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert answer.endswith(b"}")
        client.close()
        await soon(lambda: not door._bridges)

    async def test_the_worker_shuts_down(self, connect: Connect, door: TlsDoor) -> None:
        kept = [await connect(), await asyncio.open_connection(*address(door))]
        await soon(lambda: len(door._bridges) == 2)
        door.end()
        for reader, _ in kept:
            assert await reader.read() == b""
        assert not door._bridges
        assert not door.connections
