"""The dry run: what would happen to an address, asked before anybody tries."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from oxbow.kernel.gateway import Authenticated, json_body
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.rooms.live import answers
from oxbow.rooms.live.bodies_domains import Explain
from oxbow.rooms.live.explain import Explainer
from oxbow.rooms.live.hubs import HubService


def explain_router(hubs: HubService, explainer: Explainer) -> APIRouter:
    """One route, an extension."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live", EXTENSION])

    @router.post("/explain", summary="Say whether an address would be let in, and why not")
    async def explain_address(
        who: Authenticated, hub: str, body: Annotated[Explain, Depends(json_body(Explain))]
    ) -> dict[str, Any]:
        await hubs.get(who.account.id, hub)
        found = await explainer.explain(hub, body.url, body.client_ip, body.referer, body.action)
        return answers.explanation(found)

    return router
