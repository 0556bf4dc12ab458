"""The server on a real socket: statuses of the dialect, requests that must be refused, and stopping."""

import asyncio
import contextlib
import json

import pytest
import uvicorn

from oxbow.kernel.gateway import protocol, serve
from oxbow.kernel.gateway.statuses import teach_uvicorn
from oxbow.kernel.ports import bind
from oxbow.kernel.settings import ListenAddress


@pytest.fixture
async def port(api):
    """The port of a running server."""
    async with running(api.app) as (port, _):
        yield port


@contextlib.asynccontextmanager
async def running(app, **options):
    listener, stop = bind(ListenAddress("127.0.0.1", 0)), asyncio.Event()
    port = listener.getsockname()[1]
    server = asyncio.create_task(serve(app, listener, stop=stop, **options))
    yield port, stop
    stop.set()
    await server


async def exchange(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Send raw bytes; return the head and the body of what comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def get(target: bytes = b"/healthz", *headers: bytes, body: bytes = b"") -> bytes:
    method = b"POST " if body else b"GET "
    lines = [method + target + b" HTTP/1.1", *(headers or [b"Host: x"]), b"Connection: close", b"", body]
    return b"\r\n".join(lines)


async def test_a_request_and_its_answer(port):
    head, body = await exchange(port, get())
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nx-reqid: " in head
    assert b"\r\nserver:" not in head
    assert body == b"{}"


@pytest.mark.parametrize("implementation", ["httptools", "h11"])
@pytest.mark.parametrize("status", [600, 612, 614, 631, 701, 999])
async def test_uvicorn_sends_statuses_above_599(implementation, status):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    teach_uvicorn()
    listener = bind(ListenAddress("127.0.0.1", 0))
    config = uvicorn.Config(app, http=implementation, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listener]))
    head, body = await exchange(listener.getsockname()[1], get())
    assert head.startswith(b"HTTP/1.1 %d \r\n" % status)
    assert body == b"{}"
    server.should_exit = True
    await task


async def test_an_absolute_target_is_served_by_its_path(port):
    """What a client sends when it takes the server for a proxy."""
    head, _ = await exchange(port, get(b"http://pili.qiniuapi.com/healthz"))
    assert head.startswith(b"HTTP/1.1 200 ")


CHUNKED = b"Transfer-Encoding: chunked"
AMBIGUOUS = {
    "two lengths": get(b"/", b"Host: x", b"Content-Length: 3", b"Content-Length: 5", body=b"abc12"),
    "the same length twice": get(b"/", b"Host: x", b"Content-Length: 3", b"Content-Length: 3", body=b"abc"),
    "a list of lengths": get(b"/", b"Host: x", b"Content-Length: 3, 3", body=b"abc"),
    "length and chunks": get(b"/", b"Host: x", b"Content-Length: 3", CHUNKED, body=b"0\r\n\r\n"),
    "chunks and length": get(b"/", b"Host: x", CHUNKED, b"Content-Length: 3", body=b"0\r\n\r\n"),
    "two codings": get(b"/", b"Host: x", CHUNKED, b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "an unknown coding": get(b"/", b"Host: x", b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "a space before the colon": get(b"/", b"Host: x", b"Content-Length : 3", body=b"abc"),
    "a folded header": get(b"/", b"Host: x", b"A: b", b" c"),
    "no host": get(b"/", b"A: b"),
    "two hosts": get(b"/", b"Host: x", b"Host: y"),
    "no path": get(b"http://x"),
    "raw bytes in the path": get(b"/\xe7\x9b"),
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_what_can_be_read_in_two_ways_is_refused(port, request_):
    head, body = await exchange(port, request_)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"\r\ncontent-type: application/json" in head.lower()
    assert b"\r\nx-reqid: " in head.lower()
    assert list(json.loads(body)) == ["error"]


async def test_a_head_without_end_is_refused(port):
    head, body = await exchange(port, get(b"/").rstrip(b"\r\n").ljust(protocol.HEAD_BYTES + 1, b"a"))
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body) == {"error": "the request line and headers are longer than 65536 bytes"}


async def test_a_head_that_does_not_come_is_given_up(port, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    for beginning in (b"", b"GET / HT"):
        assert await exchange(port, beginning) == (b"", b"")


async def test_a_second_request_on_the_connection_may_take_its_time_between(port, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(2):
        writer.write(request)
        assert (await reader.readuntil(b"{}")).startswith(b"HTTP/1.1 200 ")
    writer.write(request[:10])
    assert await reader.read() == b""
    writer.close()


async def test_stopping_lets_requests_in_flight_finish():
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        arrived.set()
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})

    async with running(app) as (port, stop):
        asking = asyncio.create_task(exchange(port, get()))
        await arrived.wait()
        stop.set()
        go_on.set()
        assert (await asking)[1] == b"done"


async def test_stopping_does_not_wait_forever():
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        arrived.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with running(app, shutdown_seconds=1) as (port, stop):
        asking = asyncio.create_task(exchange(port, get()))
        await arrived.wait()
        stop.set()
        await cancelled.wait()
    asking.cancel()


def test_an_address_that_is_taken_is_named():
    with bind(ListenAddress("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            bind(ListenAddress("127.0.0.1", port))
