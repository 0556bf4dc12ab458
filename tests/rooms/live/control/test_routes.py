"""What an operator is told of the server as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from oxbow import __version__
from oxbow.kernel.accounts import AccountService, AccountStore
from oxbow.kernel.database import Database
from oxbow.kernel.gateway import create_app
from oxbow.kernel.health import Health
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.settings import KernelSettings
from oxbow.rooms.live.control.messages import StreamReport
from oxbow.rooms.live.control.routes import control_router
from oxbow.testing.signing import QiniuAuth
from reports import players_of_hls, report_of, viewers_of
from waiting import soon

from .conftest import House

AK, SK = "root-access-key", "a-secret-key-1234567"
FLV, RTMP, HLS = viewers_of("flv", 2, 1000), viewers_of("rtmp", 1, 500), players_of_hls(["x"])
NOTHING = {
    "version": __version__,
    "workers": [],
    "streams": 0,
    "viewers": {"rtmp": 0, "flv": 0, "ws": 0, "hls": 0},
    "sentBytes": 0,
    "skippedBytes": 0,
    "droppedViewers": 0,
    "droppedBytes": 0,
    "refused": {},
}


@pytest.fixture
async def server(house: House, accounts: Database, keys) -> AsyncIterator[httpx.AsyncClient]:
    keys.add(AK, SK)
    kernel = AccountService(AccountStore(accounts))
    kernel.ring = keys
    app = create_app(
        KernelSettings(),
        accounts=kernel,
        metrics=Metrics(),
        health=Health(),
        routers=[control_router(house.board, house.control)],
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pili.test") as client:
        yield client


async def tell(server: httpx.AsyncClient) -> dict[str, object]:
    answer = await server.get("/v2/server", auth=QiniuAuth(AK, SK))
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


async def test_it_is_for_those_with_a_key(server: httpx.AsyncClient) -> None:
    answer = await server.get("/v2/server")
    assert answer.status_code == 401
    assert answer.json().keys() == {"error"}
    assert answer.headers["x-reqid"]


async def test_at_first_there_is_nothing(server: httpx.AsyncClient) -> None:
    assert await tell(server) == NOTHING


async def test_what_the_workers_report_is_added_up(server: httpx.AsyncClient, house: House) -> None:
    one, zero = await house.worker(1), await house.worker(0)
    await zero.publish("session")
    first = StreamReport("hub", "stream", None, [FLV, HLS], [], 10, 1)
    second = StreamReport("hub", "stream", None, [RTMP, HLS])
    one.link.send(report_of(first, connections=7))
    zero.link.send(report_of(second, connections=3, refused={"banned": 2}))
    await soon(lambda: [worker.connections for worker in house.control.workers] == [3, 7])
    assert await tell(server) == NOTHING | {
        "workers": [
            {"index": 0, "pid": 1000, "connections": 3},
            {"index": 1, "pid": 1001, "connections": 7},
        ],
        "streams": 1,
        "viewers": {"rtmp": 1, "flv": 2, "ws": 0, "hls": 1},
        "sentBytes": 1500,
        "skippedBytes": 10,
        "droppedViewers": 1,
        "refused": {"banned": 2},
    }


async def test_totals_outlive_the_worker_that_reported_them(server: httpx.AsyncClient, house: House) -> None:
    worker = await house.worker()
    worker.link.send(report_of(StreamReport("hub", "stream", shares=[FLV])))
    await soon(lambda: house.control.totals.sent_bytes)
    await worker.kill()
    await soon(lambda: not house.control.workers)
    assert await tell(server) == NOTHING | {"sentBytes": 1000}
