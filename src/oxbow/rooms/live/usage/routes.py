"""Routes of usage: https://developer.qiniu.com/pili/api/9863/live-statd-downflow and the pages next to it.

Answers are encoded here: a year by day and domain has so many numbers that looking at each twice would show.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from fastapi import APIRouter, Request, Response

from oxbow.kernel.gateway import Authenticated
from oxbow.rooms.live.routes_streams import ONE, StreamKey
from oxbow.rooms.live.usage.meters import STATISTICS, Statistic
from oxbow.rooms.live.usage.statd import Statd
from oxbow.rooms.live.usage.stats import StreamStats


def statd_router(statd: Statd) -> APIRouter:
    """One route for each statistic."""
    router = APIRouter(prefix="/statd", tags=["live"])
    for statistic in STATISTICS:
        router.add_api_route(
            f"/{statistic.name}",
            _endpoint(statd, statistic),
            name=f"get_statd_{statistic.name}",
            summary=f"{statistic.summary}, by time",
        )
    return router


def stats_router(stats: StreamStats) -> APIRouter:
    """A stream minute by minute."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live"])

    @router.get(ONE + "/stats", summary="A stream minute by minute")
    async def get_stream_stats(who: Authenticated, hub: str, key: StreamKey, request: Request) -> Response:
        found = await stats.ask(who.account.id, hub, key, request.query_params)
        return Response(msgspec.json.encode(found), media_type="application/json")

    return router


def _endpoint(statd: Statd, statistic: Statistic) -> Callable[..., Awaitable[Response]]:
    async def answer(who: Authenticated, request: Request) -> Response:
        rows = await statd.ask(statistic, who.account.id, request.query_params)
        return Response(msgspec.json.encode(rows), media_type="application/json")

    return answer
