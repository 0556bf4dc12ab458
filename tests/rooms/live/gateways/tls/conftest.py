"""A media worker with a port that speaks TLS, for two domains of one authority."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from certificates import Authority
from media_worker import Worker
from oxbow.rooms.live.gateways.http.session import http_factory
from oxbow.rooms.live.gateways.tls.contexts import Contexts
from oxbow.rooms.live.gateways.tls.door import TlsDoor


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def contexts(authority: Authority) -> Contexts:
    contexts = Contexts()
    await contexts.configure({name: authority.issue(name) for name in ("one.example", "*.two.example")})
    return contexts


@pytest.fixture
async def door(worker: Worker, contexts: Contexts) -> AsyncIterator[TlsDoor]:
    listener = socket.create_server(("127.0.0.1", 0))
    door = TlsDoor("media_tls", listener, http_factory(worker.plane), 10.0, 8, contexts)
    door.open(asyncio.get_running_loop())
    yield door
    door.end()
    door.close()


@pytest.fixture(autouse=True)
async def ticking(worker: Worker) -> AsyncIterator[None]:
    async def tick() -> None:
        while True:
            worker.tick()
            await asyncio.sleep(0.001)

    task = asyncio.create_task(tick())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
