"""HTTP clients of a media worker that ticks by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from media_worker import Worker, address
from oxbow.rooms.live.gateways.http.session import HttpSession
from waiting import SOON, soon


@dataclass(frozen=True)
class Answer:
    """What came back; a body without a length is left to be read."""

    status: int
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes
    protocol: str

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection to the media port."""

    def __init__(self, worker: Worker, session: HttpSession, reader: asyncio.StreamReader) -> None:
        self.worker = worker
        self.session = session
        """The server's side of the connection."""
        self.reader = reader
        self.seen = b""
        """What was read of an endless body."""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, target: str, method: str = "GET", version: str = "1.1", **headers: str) -> None:
        """`Sec_WebSocket_Key="x"` is the header Sec-WebSocket-Key."""
        lines = [f"{method} {target} HTTP/{version}", "Host: pull.example.com"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join((*lines, "", "")).encode())

    async def answer(self, method: str = "GET") -> Answer:
        async with asyncio.timeout(SOON):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
            protocol, status, _ = head[0].split(" ", 2)
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            size = 0 if method == "HEAD" else int(headers.get("content-length", 0))
            return Answer(int(status), headers, await self.reader.readexactly(size), protocol)

    async def get(self, target: str, method: str = "GET", **headers: str) -> Answer:
        await self.ask(target, method, **headers)
        return await self.answer(method)

    async def until(self, condition: Callable[[bytes], Any]) -> Any:
        """Read on until what was seen fulfils the condition; returns what it returns."""
        async with asyncio.timeout(SOON):
            while not (found := condition(self.seen)):
                data = await self.reader.read(65536)
                assert data, "the server hung up"
                self.seen += data
        return found

    async def rest(self) -> bytes:
        """Everything up to the server's hanging up."""
        async with asyncio.timeout(SOON):
            return await self.reader.read()

    async def gone(self) -> None:
        """The server has forgotten this connection."""
        await soon(lambda: self.session not in self.worker.media.connections, "the end of the session")

    writer: asyncio.StreamWriter


Connect = Callable[..., Awaitable[Client]]


@pytest.fixture(autouse=True)
async def ticking(worker: Worker) -> AsyncIterator[None]:
    async def tick() -> None:
        while True:
            worker.tick()
            await asyncio.sleep(0.001)

    task = asyncio.create_task(tick())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def connect(worker: Worker, ticking: None) -> AsyncIterator[Connect]:
    clients: list[Client] = []

    async def make(receive_buffer: int = 0) -> Client:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address(worker.media))
        peer = "{}:{}".format(*sock.getsockname())
        session = await soon(lambda: next((c for c in worker.media.connections if c.peer == peer), None))
        reader, writer = await asyncio.open_connection(sock=sock, limit=receive_buffer or 1 << 16)
        client = Client(worker, session, reader)
        client.writer = writer
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.writer.close()


@pytest.fixture
async def client(connect: Connect) -> Client:
    return await connect()
