"""The request body, whole and bounded."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.middleware import HttpMiddleware, header_values

_BODY = "oxbow.body"


def body_of(scope: Scope) -> bytes:
    """The body that :class:`WholeBody` has read."""
    body: bytes = scope[_BODY]
    return body


class WholeBody(HttpMiddleware):
    """Read the body before anything is decided: signatures cover it.

    :param limit: the longest body in bytes; more is answered with 413, at once if it is announced.
    :param seconds: how long the client may take to send it; 408 afterwards.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        super().__init__(app)
        self._limit = limit
        self._seconds = seconds

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, then serve the request with the body at hand."""
        for announced in header_values(scope, b"content-length"):
            self._check(int(announced))
        try:
            async with asyncio.timeout(self._seconds):
                scope[_BODY] = await self._read(receive)
        except TimeoutError:
            text = f"the request body did not arrive within {self._seconds:g} seconds"
            raise ApiError(408, text, headers={"Connection": "close"}) from None
        await self.app(scope, _replay(scope[_BODY], receive), send)

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            self._check(len(body))
            if not message.get("more_body", False):
                return bytes(body)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise ApiError(
                413,
                f"the request body is longer than {self._limit} bytes, the limit set by OXBOW_API_BODY_LIMIT",
            )


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body again, in one piece."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
