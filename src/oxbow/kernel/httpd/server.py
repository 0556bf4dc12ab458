"""The server: a listening socket, and a connection for each client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from oxbow.kernel.httpd.connection import Connection, Handler, Limits, Served


class HttpServer:
    """Serves a listening socket with a handler.

    The handler answers every request; an ApiError that it raises is answered in the one shape of errors, and
    any other exception is logged and answered with 500.

    :param report: told of each request once it is answered.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits = Limits(),  # noqa: B008 - it is frozen.
        report: Callable[[Served], None] = lambda served: None,
    ) -> None:
        self.handler = handler
        self.limits = limits
        self.connections: set[Connection] = set()
        self._report = report
        self._server: asyncio.Server | None = None

    def served(self, served: Served) -> None:
        """A connection's: a request was answered, or its client is gone."""
        self._report(served)

    async def start(self, listener: socket.socket) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), sock=listener, backlog=1024)

    async def close(self, seconds: float = 5.0) -> None:
        """Accept nobody new, give those that are being answered so many seconds, then cut them."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.finish()
        if self.connections:
            await asyncio.wait([connection.closed for connection in self.connections], timeout=seconds)
        for connection in list(self.connections):
            connection.abort()
