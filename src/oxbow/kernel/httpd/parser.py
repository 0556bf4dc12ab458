"""A client's bytes as requests, read by httptools with bounds."""

from __future__ import annotations

from typing import Protocol

import httptools

from oxbow.kernel.httpd.request import BadRequest

MAX_HEAD = 64 * 1024
MAX_HEADERS = 200


class Sink(Protocol):
    """Who takes what is parsed."""

    def head_received(self, head: Head) -> None: ...
    def body_received(self, piece: bytes) -> None: ...
    def request_complete(self) -> None: ...


class Head:
    """A request's head."""

    __slots__ = ("expects_continue", "headers", "keep_alive", "method", "target")

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: list[tuple[str, str]] = []
        self.keep_alive = True
        self.expects_continue = False


class RequestParser:
    """Feeds a sink; BadRequest for what is no request.

    Requests that two servers could read differently never get through: llhttp refuses repeated and
    conflicting Content-Length and Transfer-Encoding headers, and a request takes one Host (RFC 9112, 3.2 and
    6.3).
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._parser = httptools.HttpRequestParser(self)
        self._head = Head()
        self._head_bytes = 0
        self._in_head = True
        self._refusal: BadRequest | None = None

    def feed(self, data: bytes) -> None:
        """Parse; the sink is told what is complete."""
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadRequest("this server speaks HTTP/1.1 only") from None
        except httptools.HttpParserError as problem:
            raise self._refusal or BadRequest("this is not HTTP that can be understood") from problem
        if self._in_head and self._head_bytes > MAX_HEAD:
            raise BadRequest(f"a request's head has at most {MAX_HEAD} bytes", 431)

    def on_message_begin(self) -> None:
        self._head, self._in_head = Head(), True

    def on_url(self, url: bytes) -> None:
        self._head.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._head.headers) >= MAX_HEADERS:
            self._refuse(BadRequest(f"a request has at most {MAX_HEADERS} headers", 431))
        self._head.headers.append((name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape")))

    def on_headers_complete(self) -> None:
        head = self._head
        hosts = sum(name == "host" for name, _ in head.headers)
        if hosts > 1 or (hosts == 0 and self._parser.get_http_version() == "1.1"):
            self._refuse(BadRequest("a request takes exactly one Host header"))
        head.method = self._parser.get_method().decode("latin-1")
        head.keep_alive = self._parser.should_keep_alive()
        head.target = _origin_form(head.target)
        head.expects_continue = any(
            name == "expect" and value.lower() == "100-continue" for name, value in head.headers
        )
        self._in_head, self._head_bytes = False, 0
        self._sink.head_received(head)

    def on_body(self, piece: bytes) -> None:
        self._sink.body_received(piece)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._sink.request_complete()

    def _refuse(self, refusal: BadRequest) -> None:
        self._refusal = refusal
        raise refusal


def _origin_form(target: bytes) -> bytes:
    """The target without scheme and host, which a client behind a proxy sends (RFC 9112, 3.2.2)."""
    for scheme in (b"http://", b"https://"):
        if target[: len(scheme)].lower() == scheme:
            rest = target[len(scheme) :]
            at = min((at for mark in b"/?" if (at := rest.find(bytes([mark]))) >= 0), default=len(rest))
            return rest[at:] if rest[at : at + 1] == b"/" else b"/" + rest[at:]
    return target
