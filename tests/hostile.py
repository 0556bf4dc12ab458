"""HTTP servers that mean harm, on loopback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """What was asked of it, and how often somebody connected."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        """How the next request is answered."""
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []
        """Their heads, ..."""
        self.bodies: list[bytes] = []
        """... and their bodies, by Content-Length."""
        self.gone = asyncio.Event()
        """Somebody hung up before the answer was complete."""

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await _head(reader):
                length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
                self.bodies.append(await reader.readexactly(int(length[1]) if length else 0))
                self.requests.append(head)
                await self.behaviour(reader, writer)
                await writer.drain()
        except OSError:
            self.gone.set()
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@asynccontextmanager
async def serving(
    behaviour: Behaviour, host: str = "127.0.0.1", tls: SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server that answers each request by `behaviour`, until it is done with."""
    server = Server(behaviour)
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(server.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    listener = await asyncio.start_server(accept, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def saying(answer: bytes) -> Behaviour:
    """Answer with these bytes."""

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return say


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(to: str, status: int = 302) -> Behaviour:
    return saying(answer(status, b"", f"Location: {to}"))


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await reader.read()


def pouring(start: bytes, piece: bytes) -> Behaviour:
    """Send `start` and then pieces for as long as somebody reads."""

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()

    return pour


def dripping(start: bytes, piece: bytes) -> Behaviour:
    """Send a piece now and then: no single wait is long, and the answer never ends."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)

    return drip
