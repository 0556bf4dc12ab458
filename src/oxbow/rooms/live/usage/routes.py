"""Routes of usage: https://developer.qiniu.com/pili/api/9863/live-statd-downflow and the pages next to it.

Answers are encoded here: a year by day and domain has so many numbers that looking at each twice would show.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from fastapi import APIRouter, Request, Response

from oxbow.kernel.gateway import Authenticated, Principal
from oxbow.kernel.iam.actions import partly
from oxbow.rooms.live.hubs import HubService
from oxbow.rooms.live.routes_streams import ONE, StreamKey
from oxbow.rooms.live.usage.meters import STATISTICS, Statistic
from oxbow.rooms.live.usage.statd import Statd
from oxbow.rooms.live.usage.stats import StreamStats


def statd_router(statd: Statd, hubs: HubService) -> APIRouter:
    """One route for each statistic.

    A user who was granted some hubs is told of these; what knows no hubs is for those who were granted all.
    """
    router = APIRouter(prefix="/statd", tags=["live"])
    for statistic in STATISTICS:
        router.add_api_route(
            f"/{statistic.name}",
            _endpoint(statd, hubs, statistic),
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


def _endpoint(statd: Statd, hubs: HubService, statistic: Statistic) -> Callable[..., Awaitable[Response]]:
    async def answer(who: Authenticated, request: Request) -> Response:
        asked = request.query_params.getlist("$hub")
        only = None if who.may_all else await _granted(who, hubs, asked)
        rows = await statd.ask(statistic, who.account.id, request.query_params, only)
        return Response(msgspec.json.encode(rows), media_type="application/json")

    return partly(answer) if "hub" in statistic.conditions else answer


async def _granted(who: Principal, hubs: HubService, asked: Sequence[str]) -> set[str]:
    """The hubs that a user is told of; NotGranted if there is none, or if one of those it asks for is not."""
    for name in asked:
        if name and not name.startswith("!"):
            who.demand(name)
    found = {hub.name for hub in await hubs.owned_by(who.account.id) if who.may(hub.name)}
    if not found:
        who.demand_all()
    return found
