"""A record of each refused API call: with the reason that the client is not told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oxbow.kernel import logs
from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.error_map import describe, error_of
from oxbow.kernel.gateway.middleware import HttpMiddleware, on_start
from oxbow.kernel.gateway.operations import PUBLIC_PATHS
from oxbow.kernel.gateway.signature import concerned
from oxbow.kernel.refusals.models import API, Refusal, masked_query

_RULES = {
    400: "request",
    401: "signature",
    403: "permission",
    404: "found",
    405: "method",
    408: "body",
    409: "state",
    413: "body",
    612: "found",
    614: "state",
}
"""What refuses, by the status; an error may name it itself."""
_HUB = re.compile(r"/hubs/([A-Za-z0-9_-]{1,63})(?:/|\Z)")


class RefusalRecord(HttpMiddleware):
    """Keep what was answered with a 4xx, or with one of the dialect's codes above 599.

    Failures of our own (5xx) are no refusals: they are in the log.
    """

    def __init__(self, app: ASGIApp, keep: Callable[[Refusal], None]) -> None:
        super().__init__(app)
        self._keep = keep

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch one request."""

        def note(message: Message) -> None:
            status = message["status"]
            if (400 <= status < 500 or status >= 600) and scope["path"] not in PUBLIC_PATHS:
                self._keep(refusal_of(scope, status))

        await self.app(scope, receive, on_start(send, note))


def refusal_of(scope: Scope, status: int) -> Refusal:
    """What the record says of a request."""
    error = error_of(scope)
    account, access_key = concerned(scope)
    known = error if isinstance(error, ApiError) else None
    hub = _HUB.search(scope["path"])
    query = scope["query_string"].decode("latin-1")
    return Refusal(
        reqid=logs.request_id.get() or "",
        at=time.time(),
        what=API,
        rule=(known.rule if known else "") or _RULES.get(status, "request"),
        reason=str(status),
        message=_message(error),
        address=(scope.get("client") or ("",))[0],
        protocol="http",
        hub=hub[1] if hub is not None else "",
        url=f"{scope['method']} {scope['path']}" + (f"?{masked_query(query)}" if query else ""),
        found=known.why if known else "",
        access_key=access_key or (known.access_key if known else ""),
        account=account,
    )


def _message(error: Exception | None) -> str:
    if isinstance(error, ApiError):
        return error.message
    if isinstance(error, RequestValidationError):
        return describe(error.errors())
    return str(error.detail) if isinstance(error, HTTPException) else ""
