"""Routes of hubs: https://developer.qiniu.com/pili/9888/live-hub-list and the pages next to it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from oxbow.kernel.gateway import Authenticated, json_body
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.kernel.iam.actions import partly
from oxbow.rooms.live import answers
from oxbow.rooms.live.bodies import (
    HlsPlus,
    HubSecurity,
    NewHub,
    Persistence,
    PublishRules,
    Snapshot,
    VodDomain,
)
from oxbow.rooms.live.bodies_domains import HubPlay
from oxbow.rooms.live.hubs import HubService
from oxbow.rooms.live.models import PublishSecurity
from oxbow.rooms.live.secrets import HUB_PLAY_KEYS
from oxbow.rooms.live.settings import LiveSettings


def hubs_router(hubs: HubService, settings: LiveSettings) -> APIRouter:
    """What can be done with hubs; each account sees and changes its own only."""
    router = APIRouter(prefix="/v2/hubs", tags=["live"])

    @router.get("", summary="List hubs")
    @partly
    async def list_hubs(who: Authenticated) -> dict[str, Any]:
        return answers.hub_list([hub for hub in await hubs.owned_by(who.account.id) if who.may(hub.name)])

    @router.get("/{hub}", summary="A hub's properties and domains")
    async def get_hub(who: Authenticated, hub: str) -> dict[str, Any]:
        found, domains = await hubs.get(who.account.id, hub)
        return answers.hub_info(found, domains, settings.cname_suffix)

    @router.post("/{hub}/security", summary="Set how publishers prove themselves")
    async def set_hub_security(
        who: Authenticated, hub: str, body: Annotated[HubSecurity, Depends(json_body(HubSecurity))]
    ) -> dict[str, Any]:
        security = PublishSecurity(body.publish_security)
        await hubs.set_security(who.account.id, hub, security, body.publish_key)
        return {}

    @router.post("/{hub}/hlsplus", summary="Switch low-latency HLS on or off")
    async def set_hub_hls_plus(
        who: Authenticated, hub: str, body: Annotated[HlsPlus, Depends(json_body(HlsPlus))]
    ) -> dict[str, Any]:
        await hubs.change(who.account.id, hub, hls_plus=body.hls_plus)
        return {}

    @router.post("/{hub}/persistence", summary="Set where and for how long recordings are kept")
    async def set_hub_persistence(
        who: Authenticated, hub: str, body: Annotated[Persistence, Depends(json_body(Persistence))]
    ) -> dict[str, Any]:
        changes = {
            "storage_bucket": body.storage_bucket,
            "live_data_expire_days": body.live_data_expire_days,
        }
        await hubs.change(who.account.id, hub, **changes)
        return {}

    @router.post("/{hub}/snapshot", summary="Set how often cover pictures are taken")
    async def set_hub_snapshot(
        who: Authenticated, hub: str, body: Annotated[Snapshot, Depends(json_body(Snapshot))]
    ) -> dict[str, Any]:
        await hubs.change(who.account.id, hub, snapshot_interval=body.snapshot_interval)
        return {}

    @router.post("/{hub}/voddomain", summary="Set the domain that recordings are played from")
    async def set_hub_vod_domain(
        who: Authenticated, hub: str, body: Annotated[VodDomain, Depends(json_body(VodDomain))]
    ) -> dict[str, Any]:
        await hubs.set_vod_domain(who.account.id, hub, body.vod_domain)
        return {}

    return router


def hub_extensions_router(hubs: HubService, settings: LiveSettings) -> APIRouter:
    """What the dialect leaves to the web console."""
    router = APIRouter(prefix="/v2/hubs", tags=["live", EXTENSION])

    @router.post("", summary="Create a hub")
    @partly
    async def create_hub(
        who: Authenticated, body: Annotated[NewHub, Depends(json_body(NewHub))]
    ) -> dict[str, Any]:
        who.demand(body.name)
        await hubs.create(who.account.id, body.name)
        return {}

    @router.delete("/{hub}", summary="Delete a hub with its domains, streams and history")
    async def delete_hub(who: Authenticated, hub: str) -> dict[str, Any]:
        await hubs.delete(who.account.id, hub)
        return {}

    @router.get("/{hub}/publishKey", summary="A hub's publish key, which no list and no log tells")
    async def get_hub_publish_key(who: Authenticated, hub: str) -> dict[str, Any]:
        found, _ = await hubs.get(who.account.id, hub)
        return {"publishSecurity": found.publish_security, "publishKey": found.publish_key}

    @router.get("/{hub}/publish", summary="How a hub treats publishers")
    async def get_hub_publish(who: Authenticated, hub: str) -> dict[str, Any]:
        found, _ = await hubs.get(who.account.id, hub)
        return answers.hub_publish(found, settings.grace_seconds)

    @router.get("/{hub}/play", summary="What a hub asks of whoever plays")
    async def get_hub_play(who: Authenticated, hub: str) -> dict[str, Any]:
        found, _ = await hubs.get(who.account.id, hub)
        return answers.hub_play(found, told=who.asking(HUB_PLAY_KEYS).may(hub))

    @router.post("/{hub}/play", summary="Set what a hub asks of whoever plays")
    async def set_hub_play(
        who: Authenticated, hub: str, body: Annotated[HubPlay, Depends(json_body(HubPlay))]
    ) -> dict[str, Any]:
        security = body.play_security.setting() if body.play_security is not None else None
        await hubs.set_play(who.account.id, hub, security, body.bound_domains_only)
        return {}

    @router.post("/{hub}/publish", summary="Set how a hub treats publishers")
    async def set_hub_publish(
        who: Authenticated, hub: str, body: Annotated[PublishRules, Depends(json_body(PublishRules))]
    ) -> dict[str, Any]:
        changes = body.model_dump(exclude_unset=True)
        if body.grace_seconds == -1:
            changes["grace_seconds"] = None
        await hubs.change(who.account.id, hub, **changes)
        return {}

    return router
