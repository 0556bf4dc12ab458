"""One log line and one count for each request."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oxbow.kernel.gateway.middleware import HttpMiddleware, on_start
from oxbow.kernel.gateway.operations import PUBLIC_PATHS
from oxbow.kernel.gateway.principal import principal_of
from oxbow.kernel.logs import get_logger
from oxbow.kernel.metrics import Metrics

log = get_logger(__name__)

_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
_NEVER_ANSWERED = 499  # The status in logs and metrics of a request whose client left, as nginx has it.


class AccessLog(HttpMiddleware):
    """Write a line when a request is done: who asked for what, what came of it, and how long it took."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch one request."""
        answer = _Answer()
        try:
            await self.app(scope, receive, on_start(send, answer.started))
        finally:
            principal = principal_of(scope)
            query = scope["query_string"].decode("latin-1")
            # Probes come every few seconds; their lines would bury all others.
            write = log.debug if scope["path"] in PUBLIC_PATHS else log.info
            write(
                "request",
                method=scope["method"],
                path=scope["path"] + (f"?{query}" if query else ""),
                status=answer.status,
                milliseconds=round(answer.seconds * 1000, 1),
                client=(scope.get("client") or ("",))[0],
                access_key=principal.access_key if principal else None,
            )


class HttpMetrics(HttpMiddleware):
    """Count requests by method, route and status, and time them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        super().__init__(app)
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch one request."""
        answer = _Answer()
        try:
            await self.app(scope, receive, on_start(send, answer.started))
        finally:
            # Labels come from bounded sets; a path that no route has would be a label of the client's choice.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.http_requests.labels(method, route, answer.status).inc()
            self._metrics.http_seconds.labels(method, route).observe(answer.seconds)


class _Answer:
    """What became of a request."""

    def __init__(self) -> None:
        self.status = _NEVER_ANSWERED
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def started(self, message: Message) -> None:
        self.status = message["status"]
