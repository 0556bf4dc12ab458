"""The shape of the gateway's middlewares."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HttpMiddleware:
    """A pure ASGI middleware that sees HTTP requests only."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand HTTP requests to :meth:`handle`, and everything else through."""
        if scope["type"] == "http":
            await self.handle(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the default does nothing of its own."""
        await self.app(scope, receive, send)


def on_start(send: Send, action: Callable[[Message], None]) -> Send:
    """Let ``action`` see, and change, the response's status and headers just before they are sent."""

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            action(message)
        await send(message)

    return watched


def replace_headers(message: Message, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Set headers of a starting response, whatever it says about them itself."""
    new = dict(headers)
    kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in new]
    message["headers"] = [*kept, *new.items()]


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """All values of a request header, given its lower-case name."""
    return [value for key, value in scope["headers"] if key == name]
