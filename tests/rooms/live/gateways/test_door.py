"""The door: who is let in, how many, and for how long."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from oxbow.rooms.live.gateways import door as door_module
from oxbow.rooms.live.gateways.connection import OUT_LIMIT, Connection
from oxbow.rooms.live.gateways.door import Door
from waiting import soon


class Echo(Connection):
    """Answers what it is sent; fails on demand."""

    def received(self, data: bytes) -> None:
        if data == b"fail":
            raise RuntimeError("of the session's own making")
        self.send(data)

    def closed(self, reason: str) -> None:
        reasons.append(reason)


reasons: list[str] = []


@pytest.fixture(autouse=True)
def _no_reasons() -> None:
    reasons.clear()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door("test", socket.create_server(("127.0.0.1", 0)), Echo, patience=10.0, per_address=3)
    door.open(asyncio.get_running_loop())
    yield door
    for connection in list(door.connections):
        connection.close("shutdown")
    door.close()


async def connect(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*door._sock.getsockname())


async def test_clients_are_let_in_and_known_by_their_address(door: Door) -> None:
    reader, writer = await connect(door)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    (connection,) = door.connections
    assert connection.peer == "{}:{}".format(*writer.get_extra_info("sockname"))
    writer.close()
    await soon(lambda: not door.connections)
    assert reasons == ["disconnected"]


async def test_one_address_holds_so_many_connections_and_no_more(door: Door) -> None:
    clients = [await connect(door) for _ in range(3)]
    await soon(lambda: len(door.connections) == 3)
    reader, _ = await connect(door)
    assert await reader.read() == b""
    assert door.refused == {"too_many_connections": 1}
    clients[0][1].close()
    await soon(lambda: len(door.connections) == 2)
    reader, writer = await connect(door)
    writer.write(b"again")
    assert await reader.readexactly(5) == b"again"
    for connection in list(door.connections):
        connection.close("done")
    assert not door._addresses, "nothing is kept of who has gone"


async def test_the_silent_are_shown_out(door: Door) -> None:
    reader, _ = await connect(door)
    await soon(lambda: door.connections)
    now = asyncio.get_running_loop().time()
    door.sweep(now)
    assert len(door.connections) == 1
    door.sweep(now + 10.1)
    assert await reader.read() == b""
    assert (reasons, door.refused) == (["timeout"], {"timeout": 1})


async def test_a_session_that_fails_takes_nobody_along(door: Door) -> None:
    failing, fine = await connect(door), await connect(door)
    failing[1].write(b"fail")
    assert await failing[0].read() == b""
    assert reasons == ["internal_error"]
    fine[1].write(b"still here")
    assert await fine[0].readexactly(10) == b"still here"


async def test_without_descriptors_it_pauses_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "EXHAUSTED_PAUSE", 0.01)

    failures = [errno.EMFILE, errno.ENFILE]

    class Exhausted(socket.socket):
        def accept(self) -> tuple[socket.socket, Any]:
            if failures:
                code = failures.pop()
                raise OSError(code, os.strerror(code))
            return super().accept()

    listener = Exhausted()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    door = Door("test", listener, Echo, patience=10.0, per_address=0)
    door.open(asyncio.get_running_loop())
    reader, writer = await connect(door)
    writer.write(b"patient")
    async with asyncio.timeout(10):
        assert await reader.readexactly(7) == b"patient"
    assert door.refused == {"out_of_descriptors": 2}
    for connection in list(door.connections):
        connection.close("done")
    door.close()


async def test_after_closing_nobody_is_let_in_and_those_inside_stay(door: Door) -> None:
    reader, writer = await connect(door)
    await soon(lambda: door.connections)
    address = door._sock.getsockname()
    door.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    writer.write(b"inside")
    assert await reader.readexactly(6) == b"inside"


class TestConnection:
    """A client's socket."""

    async def test_what_the_socket_does_not_take_at_once_follows(self, door: Door) -> None:
        reader, writer = await connect(door)
        await soon(lambda: door.connections)
        (connection,) = door.connections
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sent = b""
        while not connection.has_unsent:
            piece = os.urandom(OUT_LIMIT // 2)
            connection.send(piece)
            sent += piece
        connection.close_when_sent()
        assert await reader.read() == sent
        assert reasons == []  # our half is closed; what the client may still send must not become a reset
        writer.close()
        await soon(lambda: reasons == ["done"])

    async def test_one_that_never_reads_is_closed(self, door: Door) -> None:
        reader, _ = await connect(door)
        await soon(lambda: door.connections)
        (connection,) = door.connections
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(1000):
            connection.send(bytes(OUT_LIMIT // 2))
        assert reasons == ["too_slow"]

    async def test_closing_twice_tells_once(self, door: Door) -> None:
        await connect(door)
        await soon(lambda: door.connections)
        (connection,) = door.connections
        connection.close("first")
        connection.close("second")
        connection.send(b"nobody hears this")
        assert reasons == ["first"]
