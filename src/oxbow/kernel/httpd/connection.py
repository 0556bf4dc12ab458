"""One client: its requests in order, an answer to each, and an end to those who keep the server waiting."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

from oxbow.kernel.errors import ApiError
from oxbow.kernel.httpd.parser import Head, RequestParser
from oxbow.kernel.httpd.request import BadRequest, Body, Request
from oxbow.kernel.httpd.response import BODILESS, Response, error, error_of, head
from oxbow.kernel.httpd.sending import Stalled, Writer
from oxbow.kernel.logs import get_logger, request_id

PIPELINE = 16
"""Requests that may wait behind one that is being answered."""
LINGER_SECONDS = 5.0
"""How long a client that is still sending a refused body is listened to, so that it reads the refusal."""

log = get_logger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take of the server's time and room."""

    head_seconds: float = 10.0
    """How long a request's head may take, from connecting or from its first byte."""
    idle_seconds: float = 60.0
    """How long a kept connection may do nothing."""
    body_seconds: float = 60.0
    """How long the next piece of a body may take."""
    stall_seconds: float = 60.0
    """How long a client may take nothing of an answer."""
    connections: int = 4096


@dataclass(frozen=True, slots=True)
class Served:
    """What became of a request."""

    request: Request
    status: int
    sent_bytes: int
    """Bytes of the body that were handed to the socket."""
    seconds: float


class House(Protocol):
    """What a connection needs of its server."""

    handler: Handler
    limits: Limits
    connections: set[Connection]

    def served(self, served: Served) -> None: ...


class Connection(asyncio.Protocol):
    """Made by the server for each client."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._loop = asyncio.get_running_loop()
        self._parser = RequestParser(self)
        self._queue: deque[tuple[Request, bool]] = deque()
        self._arriving: Body | None = None
        self._answering: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._finishing = self._deaf = self._paused = False
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._writer = Writer(self._transport, self._loop, self._house.limits.stall_seconds)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if isinstance(peer, tuple) else ""
        sock: socket.socket = transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self._house.connections) >= self._house.limits.connections:
            self._say_goodbye(error(503, "too many connections; try again later", {"Retry-After": "1"}))
        self._house.connections.add(self)
        self._expect(self._house.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.connections.discard(self)
        self._expect(None)
        self._writer.lost()
        if self._arriving is not None:
            self._arriving.fail(BadRequest("the client went away before the end of the request body"))
        for request, _ in self._queue:
            request.body.fail(BadRequest("the client went away"))
        self._queue.clear()
        if not self.closed.done():
            self.closed.set_result(None)

    def eof_received(self) -> bool:
        """A client that has said all may still listen, unless it left in the middle of saying it."""
        return self._answering is not None and self._arriving is None

    def pause_writing(self) -> None:
        self._writer.pause()

    def resume_writing(self) -> None:
        self._writer.resume()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        try:
            self._parser.feed(data)
        except BadRequest as refusal:
            self._bad(refusal)

    def head_received(self, head: Head) -> None:
        """The parser's: a request begins."""
        if len(self._queue) >= PIPELINE:
            raise BadRequest(f"at most {PIPELINE} requests may be sent ahead")
        self._expect(None)

        def begin() -> None:
            if head.expects_continue:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

        self._arriving = Body(self._flow, begin, self._house.limits.body_seconds)
        reqid = secrets.token_urlsafe(12)
        request = Request(head.method, head.target, head.headers, self._arriving, reqid, self._client)
        self._queue.append((request, head.keep_alive))
        if self._answering is None:
            self._answering = self._loop.create_task(self._answer_all())

    def body_received(self, piece: bytes) -> None:
        """The parser's."""
        if self._arriving is not None:
            self._arriving.feed(piece)

    def request_complete(self) -> None:
        """The parser's."""
        if self._arriving is not None:
            self._arriving.end()
            self._arriving = None

    def finish(self) -> None:
        """Let go of the client once it has the answer it waits for."""
        self._finishing = True
        if self._answering is None:
            self._transport.close()

    def abort(self) -> None:
        """Let go of the client now."""
        if self._answering is not None:
            self._answering.cancel()
        self._transport.abort()

    def _flow(self, more: bool) -> None:
        if more == self._paused and not self._transport.is_closing():
            self._paused = not more
            (self._transport.resume_reading if more else self._transport.pause_reading)()

    def _expect(self, seconds: float | None) -> None:
        """Close the connection unless something happens within so many seconds."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._transport.close) if seconds is not None else None

    def _bad(self, refusal: BadRequest) -> None:
        """The bytes make no sense, and nothing behind them can."""
        self._deaf = True
        if self._arriving is not None:
            self._arriving.fail(refusal)
        elif self._answering is None:
            self._say_goodbye(error_of(refusal))
        else:
            self._finishing = True

    def _say_goodbye(self, response: Response) -> None:
        self._deaf = True
        answer = head(response, reqid=secrets.token_urlsafe(12), took_ms=0, keep_alive=False, now=time.time())
        body = response.body if isinstance(response.body, bytes) else b""
        self._transport.write(answer + body)
        self._transport.close()

    async def _answer_all(self) -> None:
        try:
            while self._queue and not self._transport.is_closing():
                request, keep_alive = self._queue.popleft()
                token = request_id.set(request.reqid)
                try:
                    await self._answer(request, keep_alive)
                finally:
                    request_id.reset(token)
        except (Stalled, OSError):
            self._transport.abort()
        finally:
            self._answering = None
            if not self._transport.is_closing():
                self._expect(self._house.limits.idle_seconds)

    async def _answer(self, request: Request, keep_alive: bool) -> None:
        began = self._loop.time()
        response = await self._handled(request)
        unread = not request.body.exhausted and not request.body.complete
        keep_alive = keep_alive and not unread and not self._finishing and not self._deaf
        took = round((self._loop.time() - began) * 1000)
        top = head(response, reqid=request.reqid, took_ms=took, keep_alive=keep_alive, now=time.time())
        sent_before = self._writer.sent_bytes
        try:
            bodiless = request.method == "HEAD" or response.status in BODILESS
            await self._writer.send(top, b"" if bodiless else response.body, response.size is None)
        finally:
            sent = self._writer.sent_bytes - sent_before
            self._house.served(Served(request, response.status, sent, self._loop.time() - began))
        if not keep_alive:
            await self._hang_up(unread)

    async def _handled(self, request: Request) -> Response:
        try:
            return await self._house.handler(request)
        except ApiError as refusal:
            return error_of(refusal)
        except Exception:
            log.exception("unhandled_error")
            return error(500, "internal error; the server's log tells more under this response's X-Reqid")

    async def _hang_up(self, unread: bool) -> None:
        """Close; a client that is still sending is listened to for a while, or the answer would be lost with
        the reset that unread bytes cause (RFC 9112, 9.6)."""
        if unread and not self._transport.is_closing():
            self._deaf = True
            self._flow(True)
            with contextlib.suppress(OSError, NotImplementedError):
                self._transport.write_eof()
            await asyncio.wait([self.closed], timeout=LINGER_SECONDS)
        self._transport.close()
