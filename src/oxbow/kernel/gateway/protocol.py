"""What uvicorn's HTTP protocol leaves open: slow and endless request heads, and errors in our own shape."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from oxbow.kernel.errors import error_response
from oxbow.kernel.gateway.request_id import new_request_id, tracing_headers

HEAD_BYTES = 64 * 1024  # The longest request line and headers, give or take one read from the socket.
HEAD_SECONDS = 10.0  # How long a client may take to send them, from connecting or from their first byte.


class ApiProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, bounded.

    Requests that two servers could read differently never get this far: llhttp refuses repeated or
    conflicting Content-Length and Transfer-Encoding headers.  Absolute-form targets (RFC 9112, 3.2.2) arrive
    as their path.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _refusal: tuple[int, str] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._head_is_done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what belongs to a head that is still incomplete."""
        super().data_received(data)
        if self._head_timer is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refusal = (431, f"the request line and headers are longer than {HEAD_BYTES} bytes")
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """The first byte of a request is here."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is here: exactly one Host is what signatures and routing rely on (RFC 9112, 3.2)."""
        self._head_is_done()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._refusal = (400, "a request takes exactly one Host header")
            raise ValueError(self._refusal[1])
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, and close."""
        status, text = self._refusal or (400, "this is not HTTP that can be understood")
        headers = {**tracing_headers(new_request_id(), 0), "Connection": "close"}
        response = error_response(status, text, headers)
        lines = [name + b": " + value + b"\r\n" for name, value in response.raw_headers]
        self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", bytes(response.body)]))
        self.transport.close()

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_is_done(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
