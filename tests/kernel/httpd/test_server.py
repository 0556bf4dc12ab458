"""The byte server, talked to over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from oxbow.kernel.errors import ApiError
from oxbow.kernel.httpd import FilePart, Handler, HttpServer, Limits, Request, Response, Served, json_response
from oxbow.kernel.httpd.request import HIGH_WATER

Address = tuple[str, int]
DEFAULT = Limits()


@asynccontextmanager
async def serving(
    handler: Handler, limits: Limits = DEFAULT, served: list[Served] | None = None
) -> AsyncIterator[Address]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(handler, limits, (served if served is not None else []).append)
    await server.start(listener)
    try:
        yield listener.getsockname()
    finally:
        await server.close(0.5)


async def ask(address: Address, data: bytes, *, eof: bool = True) -> bytes:
    """All that the server answers to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    if eof:
        writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def echo(request: Request) -> Response:
    body = await request.body.read(1 << 20)
    return json_response({"method": request.method, "target": request.target.decode(), "body": body.decode()})


async def hashed(request: Request) -> Response:
    digest = hashlib.sha1()
    async for piece in request.body:
        digest.update(piece)
    return json_response(digest.hexdigest())


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: h", *headers, "", ""]).encode()


async def test_a_request_is_answered_with_its_id() -> None:
    async with serving(echo) as (host, port), httpx.AsyncClient() as client:
        answer = await client.post(f"http://{host}:{port}/a%2Fb?c=d", content=b"text")
    assert answer.json() == {"method": "POST", "target": "/a%2Fb?c=d", "body": "text"}
    assert len(answer.headers["x-reqid"]) == 16
    assert answer.headers["x-log"].startswith("IO:")


async def test_requests_sent_ahead_are_answered_in_order() -> None:
    async with serving(echo) as address:
        answers = await ask(address, get("/1") + get("/2") + get("/3", "Connection: close"), eof=False)
    assert [answers.index(b"/%d" % number) for number in (1, 2, 3)] == sorted(
        answers.index(b"/%d" % number) for number in (1, 2, 3)
    )


async def test_too_many_sent_ahead_are_refused() -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Response:
        await release.wait()
        return Response()

    async with serving(slow) as address:
        asking = asyncio.create_task(ask(address, get("/") * 40, eof=False))
        await asyncio.sleep(0)
        release.set()
        assert (await asking).count(b"HTTP/1.1 200") <= 17


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_streams_in(chunked: bool) -> None:
    data = os.urandom(9 << 20)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 100_000):
            yield data[at : at + 100_000]

    async with serving(hashed) as (host, port), httpx.AsyncClient() as client:
        answer = await client.put(f"http://{host}:{port}/", content=pieces() if chunked else data)
    assert answer.json() == hashlib.sha1(data).hexdigest()


async def test_a_handler_that_does_not_read_stops_the_client() -> None:
    release = asyncio.Event()

    async def waits(request: Request) -> Response:
        await release.wait()
        return await hashed(request)

    size = 64 << 20
    async with serving(waits) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.transport.set_write_buffer_limits(0)
        writer.write(f"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n".encode())
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < size:
                writer.write(b"x" * HIGH_WATER)
                await asyncio.wait_for(writer.drain(), 0.5)
                sent += HIGH_WATER
        assert sent < size / 2, "what nobody reads stays with the client"
        release.set()
        writer.write(b"x" * (size - sent - HIGH_WATER))
        assert b"HTTP/1.1 200" in await reader.readuntil(b"\r\n\r\n")
        writer.close()


async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async with serving(echo) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        writer.close()


async def test_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    async def refuse(request: Request) -> Response:
        raise ApiError(612, "no such file or directory")

    async with serving(refuse) as address:
        data = b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 5_000_000
        answer = await ask(address, data)
    assert answer.startswith(b"HTTP/1.1 612 \r\n")
    assert answer.endswith(b'{"error":"no such file or directory"}')


async def test_what_nobody_foresaw_is_a_500_without_detail() -> None:
    async def breaks(request: Request) -> Response:
        raise RuntimeError("the secret")

    async with serving(breaks) as address:
        answer = await ask(address, get("/", "Connection: close"))
    assert b"HTTP/1.1 500" in answer
    assert b"the secret" not in answer


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / str(number) for number in range(3)]
    for path in paths:
        path.write_bytes(os.urandom(3 << 20))
    return paths


async def test_parts_of_files_are_sent_one_behind_the_other(files: list[Path]) -> None:
    parts = [FilePart(files[0], 5, 3_000_000), FilePart(files[1], 0, 0), FilePart(files[2], 1, 2)]
    whole = files[0].read_bytes()[5:3_000_005] + files[2].read_bytes()[1:3]
    served: list[Served] = []

    async def handler(request: Request) -> Response:
        return Response(206, {"Content-Type": "x/y"}, parts)

    async with serving(handler, served=served) as (host, port), httpx.AsyncClient() as client:
        for _ in range(2):
            answer = await client.get(f"http://{host}:{port}/")
            assert answer.content == whole
            assert answer.headers["content-length"] == str(len(whole))
        head = await client.head(f"http://{host}:{port}/")
        assert head.headers["content-length"] == str(len(whole))
    assert [what.sent_bytes for what in served] == [len(whole), len(whole), 0]


async def test_a_file_that_is_gone_or_short_is_not_passed_off_as_whole(files: list[Path]) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, {}, [FilePart(files[0], 0, 4 << 20)])

    async with serving(handler) as (host, port), httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"http://{host}:{port}/")
        files[0].unlink()
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get(f"http://{host}:{port}/")


async def test_many_download_at_once(files: list[Path]) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, {}, [FilePart(path, 0, 3 << 20) for path in files])

    whole = b"".join(path.read_bytes() for path in files)
    async with serving(handler) as (host, port), httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(f"http://{host}:{port}/") for _ in range(8)))
    assert all(answer.content == whole for answer in answers)


@pytest.mark.parametrize("length", [None, 6])
async def test_pieces_are_sent_as_they_are_made(length: int | None) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"abc", b"", b"def"):
            yield piece

    async def handler(request: Request) -> Response:
        return Response(200, {}, pieces(), length)

    async with serving(handler) as (host, port), httpx.AsyncClient() as client:
        answer = await client.get(f"http://{host}:{port}/")
    assert answer.content == b"abcdef"
    assert ("content-length" in answer.headers) == (length is not None)


@pytest.mark.parametrize(
    ("limits", "data"),
    [
        (Limits(head_seconds=0.1), b""),
        (Limits(head_seconds=0.1), b"GET / HTTP/1.1\r\nHost"),
        (Limits(idle_seconds=0.1), get("/")),
        (Limits(body_seconds=0.1), b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"),
    ],
    ids=["says nothing", "says half a head", "asks once", "stops in the body"],
)
async def test_nobody_keeps_a_connection_for_nothing(limits: Limits, data: bytes) -> None:
    async with serving(echo, limits) as address:
        await ask(address, data, eof=False)  # which returns only once the server has closed


async def test_a_client_that_takes_nothing_is_let_go(files: list[Path]) -> None:
    gone = asyncio.Event()

    async def handler(request: Request) -> Response:
        return Response(200, {}, [FilePart(files[0], 0, 3 << 20)] * 20)

    class Told(list[Served]):
        def append(self, what: Served) -> None:
            gone.set()

    async with serving(handler, Limits(stall_seconds=0.2), Told()) as address:
        _, writer = await asyncio.open_connection(*address, limit=1)
        writer.write(get("/"))
        await asyncio.wait_for(gone.wait(), 10)
        writer.close()


SMUGGLED = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x00\x05hello\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    "an endless head": b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 100_000,
    "too many headers": b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 300 + b"\r\n",
}


@pytest.mark.parametrize("data", SMUGGLED.values(), ids=SMUGGLED)
async def test_what_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    async with serving(echo) as address:
        answer = await ask(address, data, eof=False)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert b'{"error":' in answer


@pytest.mark.parametrize("target", ["http://other/a?b", "HTTPS://other/a?b"])
async def test_the_absolute_form_is_its_path(target: str) -> None:
    async with serving(echo) as address:
        assert b'"target":"/a?b"' in await ask(address, get(target, "Connection: close"))


async def test_a_header_value_cannot_begin_another_header() -> None:
    async def handler(request: Request) -> Response:
        return Response(200, {"X-Name": "a\r\nSet-Cookie: b"})

    async with serving(handler) as address:
        assert b"\r\nSet-Cookie" not in await ask(address, get("/", "Connection: close"))


async def test_more_clients_than_there_is_room_for_are_told() -> None:
    async with serving(echo, Limits(connections=1)) as address:
        _, writer = await asyncio.open_connection(*address)
        answer = await ask(address, b"", eof=False)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 503")


async def test_closing_lets_an_answer_end() -> None:
    release, asked = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        asked.set()
        await release.wait()
        return Response(200, {}, b"done")

    listener = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(slow)
    await server.start(listener)
    asking: asyncio.Task[bytes] = asyncio.create_task(ask(listener.getsockname(), get("/"), eof=False))
    await asked.wait()
    closing: Awaitable[None] = asyncio.create_task(server.close())
    release.set()
    await closing
    assert (await asking).endswith(b"done")
