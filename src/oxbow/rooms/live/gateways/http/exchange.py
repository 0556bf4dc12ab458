"""HTTP/1.1 on one connection: requests come in, and are answered one after the other."""

from __future__ import annotations

import asyncio
import os
import socket

from oxbow.rooms.live.gateways.connection import Connection
from oxbow.rooms.live.gateways.door import Door
from oxbow.rooms.live.gateways.http.request import Request, RequestError, RequestReader
from oxbow.rooms.live.gateways.http.response import error_body, head
from oxbow.rooms.live.worker.refusals import new_request_id

IDLE_SECONDS = 30.0
"""A kept connection without a request is closed after so long."""
PIPELINE = 16
"""Requests that may wait behind one that is being answered."""


class Exchange(Connection):
    """Base of what answers requests. Subclasses implement `_answer`, whose answer may come later."""

    __slots__ = ("_file", "_queue", "_reader", "_reqid", "_request")

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str, door: Door) -> None:
        self._reader: RequestReader | None = RequestReader()
        """None once the connection carries something other than requests."""
        self._queue: list[Request] = []
        self._request: Request | None = None
        """The one that is being answered."""
        self._reqid = ""
        self._file: tuple[int, int, int] | None = None
        """(descriptor, next byte, size) of the file that is being sent."""
        super().__init__(loop, sock, peer, door)

    def _answer(self, request: Request) -> None:
        """Answer, now or later, by `_respond`, `_fail` or `_respond_file`."""
        raise NotImplementedError

    def received(self, data: bytes) -> None:
        """Requests."""
        if self._reader is None:
            return
        try:
            self._queue += self._reader.receive(data)
            if len(self._queue) > PIPELINE:
                raise RequestError(400, f"at most {PIPELINE} requests may be sent ahead")
        except RequestError as error:
            if self._request is not None:
                self.close("bad_request")  # its words would land in the middle of the answer on its way
                return
            self._reqid = new_request_id()
            self._request = Request(keep_alive=False)
            self._fail(error.status, error.message)
            return
        if self._request is None:
            self._next()

    def drained(self) -> None:
        """The socket takes more."""
        if self._file is not None:
            self._send_file()

    def closed(self, reason: str) -> None:
        """Give back what the connection holds."""
        if self._file is not None:
            self.loop.remove_writer(self.fd)
            os.close(self._file[0])
            self._file = None

    def _next(self) -> None:
        """Answer the next request that waits."""
        while self._queue and self._request is None and self.fd >= 0:
            self._request = self._queue.pop(0)
            self._reqid = new_request_id()
            self.deadline = None
            self._answer(self._request)

    def _done(self) -> None:
        """The answer is on its way."""
        request, self._request = self._request, None
        if request is not None and not request.keep_alive:
            self.close_when_sent(IDLE_SECONDS)
        else:
            self.deadline = self.loop.time() + IDLE_SECONDS

    def _respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
        request = self._request
        keep_alive = request is not None and request.keep_alive
        endless = request is not None and request.method == "HEAD" and not body
        sized = headers if endless or status == 204 else headers | {"Content-Length": str(len(body))}
        wanted = b"" if request is not None and request.method == "HEAD" else body
        self.send(head(status, sized, self._reqid, keep_alive=keep_alive) + wanted)
        if self.fd >= 0:
            self._done()

    def _fail(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self._respond(status, {"Content-Type": "application/json"} | (headers or {}), error_body(message))

    def _respond_file(self, headers: dict[str, str], descriptor: int, size: int) -> None:
        """Answer with a file, which is closed when it is sent, or when the client goes."""
        keep_alive = self._request is not None and self._request.keep_alive
        wanted = size if self._request is None or self._request.method == "GET" else 0
        self._file = (descriptor, 0, wanted)
        self.deadline = self.loop.time() + IDLE_SECONDS
        sized = headers | {"Content-Length": str(size)}
        self.send(head(200, sized, self._reqid, keep_alive=keep_alive))
        if self.fd >= 0 and not self.has_unsent:
            self._send_file()

    def _send_file(self) -> None:
        assert self._file is not None
        fd, offset, size = self._file
        try:
            while offset < size:
                sent = os.sendfile(self.fd, fd, offset, size - offset)
                if not sent:
                    raise ConnectionAbortedError
                offset += sent
                self.took(sent)
        except BlockingIOError:
            self._file = (fd, offset, size)
            self.deadline = self.loop.time() + IDLE_SECONDS
            self.loop.add_writer(self.fd, self._send_file)
            return
        except OSError:
            self.close("disconnected")
            return
        self.loop.remove_writer(self.fd)
        os.close(fd)
        self._file = None
        self._done()
        self._next()
