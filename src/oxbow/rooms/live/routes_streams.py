"""Routes of streams: the pages on streams below https://developer.qiniu.com/pili."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request

from oxbow.kernel.gateway import Authenticated, json_body
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.rooms.live import answers
from oxbow.rooms.live.bodies import MAX_TIME, Disabled, LiveStreams, NewStream, StreamSecurity
from oxbow.rooms.live.fields import decode_marker, page_limit, query_flag, query_integer, stream_title
from oxbow.rooms.live.models import PublishSecurity
from oxbow.rooms.live.secrets import PUBLISH_KEY
from oxbow.rooms.live.streams import StreamService

ONE = "/streams/{encodedStreamTitle}"


def _stream_key(encoded: Annotated[str, Path(alias="encodedStreamTitle")]) -> str:
    return stream_title(encoded)


StreamKey = Annotated[str, Depends(_stream_key)]


def streams_router(streams: StreamService) -> APIRouter:
    """What can be done with a hub's streams."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live"])

    @router.post("/streams", summary="Create a stream")
    async def create_stream(
        who: Authenticated, hub: str, body: Annotated[NewStream, Depends(json_body(NewStream))]
    ) -> dict[str, Any]:
        await streams.create(who.account.id, hub, body.key)
        return {}

    @router.get("/streams", summary="List streams")
    async def list_streams(who: Authenticated, hub: str, request: Request) -> dict[str, Any]:
        query = request.query_params
        limit = page_limit(query)
        keys = await streams.page(
            who.account.id,
            hub,
            live_only=query_flag(query, "liveonly"),
            prefix=query.get("prefix", ""),
            after=decode_marker(query),
            limit=limit,
        )
        return answers.stream_list(keys, limit, streams.disabled_among(hub, keys))

    @router.get(ONE, summary="A stream's properties")
    async def get_stream(who: Authenticated, hub: str, key: StreamKey) -> dict[str, Any]:
        stream, expire_days = await streams.info(who.account.id, hub, key)
        told = who.asking(PUBLISH_KEY).may(hub)
        return answers.stream_info(stream, expire_days, streams.now(), told=told)

    @router.post(ONE + "/disabled", summary="Disable a stream, or enable it again")
    async def disable_stream(
        who: Authenticated,
        hub: str,
        key: StreamKey,
        body: Annotated[Disabled, Depends(json_body(Disabled))],
    ) -> dict[str, Any]:
        await streams.disable(who.account.id, hub, key, body.till(streams.now()), body.reason)
        return {}

    @router.get(ONE + "/live", summary="A live stream's figures")
    async def get_live(who: Authenticated, hub: str, key: StreamKey) -> dict[str, Any]:
        return answers.live_info(await streams.live(who.account.id, hub, key))

    @router.post("/livestreams", summary="The figures of many live streams")
    async def list_live(
        who: Authenticated, hub: str, body: Annotated[LiveStreams, Depends(json_body(LiveStreams))]
    ) -> dict[str, Any]:
        found = await streams.live_among(who.account.id, hub, body.items)
        return {"items": [answers.live_item(key, info) for key, info in found]}

    @router.get(ONE + "/historyactivity", summary="When a stream was published")
    async def get_history(who: Authenticated, hub: str, key: StreamKey, request: Request) -> dict[str, Any]:
        start, end = (query_integer(request.query_params, name, 0, MAX_TIME) for name in ("start", "end"))
        return answers.history(await streams.history(who.account.id, hub, key, start, end))

    return router


def stream_extensions_router(streams: StreamService) -> APIRouter:
    """What the dialect leaves to the web console, or lost with its first version."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live", EXTENSION])

    @router.delete(ONE, summary="Delete a stream, and cut off who publishes or watches it")
    async def delete_stream(who: Authenticated, hub: str, key: StreamKey) -> dict[str, Any]:
        await streams.delete(who.account.id, hub, key)
        return {}

    @router.get(ONE + "/details", summary="What a live stream is made of, and who watches it")
    async def get_live_details(who: Authenticated, hub: str, key: StreamKey) -> dict[str, Any]:
        return answers.live_details(await streams.details(who.account.id, hub, key))

    @router.post(ONE + "/security", summary="Set how a stream's publisher proves itself")
    async def set_stream_security(
        who: Authenticated,
        hub: str,
        key: StreamKey,
        body: Annotated[StreamSecurity, Depends(json_body(StreamSecurity))],
    ) -> dict[str, Any]:
        security = PublishSecurity(body.publish_security)
        await streams.set_security(who.account.id, hub, key, security, body.publish_key)
        return {}

    return router
