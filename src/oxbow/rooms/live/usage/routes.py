"""Routes of usage: https://developer.qiniu.com/pili/api/9863/live-statd-downflow and the pages next to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import msgspec
from fastapi import APIRouter, Request, Response

from oxbow.kernel.gateway import Authenticated
from oxbow.rooms.live.usage.meters import STATISTICS, Statistic
from oxbow.rooms.live.usage.statd import Statd


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


def _endpoint(statd: Statd, statistic: Statistic) -> Callable[..., Awaitable[Response]]:
    async def answer(who: Authenticated, request: Request) -> Response:
        return json_rows(await statd.ask(statistic, who.account.id, request.query_params))

    return answer


def json_rows(rows: Iterable[object]) -> Response:
    """Encoded here: a year by day and domain has so many numbers that looking at each twice would show."""
    return Response(msgspec.json.encode(list(rows)), media_type="application/json")
