"""``X-Reqid`` and ``X-Log`` on every response; the official clients distrust a response without."""

from __future__ import annotations

import secrets
import time

from starlette.types import Message, Receive, Scope, Send

from oxbow.kernel import logs
from oxbow.kernel.gateway.middleware import HttpMiddleware, on_start, replace_headers


def new_request_id() -> str:
    """16 url-safe characters.  Always our own: a client's word for it could forge lines of the log."""
    return secrets.token_urlsafe(12)


def tracing_headers(request_id: str, seconds: float) -> dict[str, str]:
    """The headers that let a person find a response in the log: its id, who answered, in how many ms."""
    return {"X-Reqid": request_id, "X-Log": f"API:{round(seconds * 1000)}"}


class RequestId(HttpMiddleware):
    """Give the request an id: in each log line written on its behalf, and on its response."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the id for everything that runs inside."""
        request_id, began = new_request_id(), time.monotonic()

        def add_headers(message: Message) -> None:
            headers = tracing_headers(request_id, time.monotonic() - began)
            replace_headers(
                message, [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            )

        token = logs.request_id.set(request_id)
        try:
            await self.app(scope, receive, on_start(send, add_headers))
        finally:
            logs.request_id.reset(token)
