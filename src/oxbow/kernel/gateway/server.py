"""Serving an app on a socket, inside an event loop that belongs to somebody else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from oxbow.kernel.gateway.protocol import ApiProtocol
from oxbow.kernel.gateway.statuses import teach_uvicorn


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    stop: asyncio.Event,
    shutdown_seconds: float = 5.0,
) -> None:
    """Serve until ``stop`` is set; then finish the requests in flight, but not for longer than that.

    Signals are the caller's business.  The listener is closed at the end.
    """
    teach_uvicorn()
    server = _Server(_config(app, shutdown_seconds))
    watcher = asyncio.create_task(_exit_when(stop, server))
    try:
        await server.serve(sockets=[listener])
    finally:
        watcher.cancel()
        listener.close()


def _config(app: ASGIApp, shutdown_seconds: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ApiProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(shutdown_seconds)),
    )


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _exit_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True
