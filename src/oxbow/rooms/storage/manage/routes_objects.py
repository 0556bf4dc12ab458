"""Routes of single objects, batches and lists: https://developer.qiniu.com/kodo/1274/rs."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway import Authenticated, Principal
from oxbow.kernel.gateway.body import body_of
from oxbow.kernel.iam.actions import about, alias_of, partly
from oxbow.rooms.storage.errors import BadArgument, BadMarker
from oxbow.rooms.storage.manage.objects import ObjectService, shown
from oxbow.rooms.storage.manage.operations import GRAMMARS, Operation, parse_operation
from oxbow.rooms.storage.store import BucketStore, ListingStore

BATCH = 1000
"""Operations of one batch."""


def objects_router(objects: ObjectService) -> APIRouter:
    """One route for each operation, and one for many of them at once."""
    router = APIRouter(tags=["storage"])
    for name in GRAMMARS:
        _add_operation(router, name, objects)

    @router.post("/batch", summary="Carry out many operations on objects")
    @partly
    async def batch(who: Authenticated, request: Request) -> JSONResponse:
        pairs = parse_qsl(body_of(request.scope).decode("latin-1"), keep_blank_values=True)
        texts = [value for name, value in pairs if name == "op"]
        if not 0 < len(texts) <= BATCH:
            raise BadArgument("op", f"takes 1 to {BATCH} operations, one in each field")
        answers = [await _one(objects, who, text) for text in texts]
        failed = any(answer["code"] != 200 for answer in answers)
        return JSONResponse(answers, status_code=298 if failed else 200)

    return router


def _add_operation(router: APIRouter, name: str, objects: ObjectService) -> None:
    @partly
    async def operate(who: Authenticated, rest: str) -> dict[str, Any]:
        return await _run(objects, who, parse_operation(f"{name}/{rest}"))

    for method in ("GET", "POST") if name == "stat" else ("POST",):
        summary = f"The operation {name} on an object"
        path = f"/{name}/{{rest:path}}"
        router.add_api_route(path, operate, methods=[method], summary=summary, name=name)


async def _run(objects: ObjectService, who: Principal, operation: Operation) -> dict[str, Any]:
    """In a batch as alone: it takes the operation's own action on every bucket it names."""
    asking = who.asking(alias_of(operation.name))
    for entry in operation.entries:
        asking.demand(entry.bucket)
    return await objects.run(who.account.id, f"key:{who.access_key}", operation)


async def _one(objects: ObjectService, who: Principal, text: str) -> dict[str, Any]:
    try:
        answer = await _run(objects, who, parse_operation(text))
    except ApiError as error:
        return {"code": error.status, "data": {"error": error.message}}
    return {"code": 200, "data": answer} if answer else {"code": 200}


def listing_router(buckets: BucketStore, listing: ListingStore) -> APIRouter:
    """Lists: https://developer.qiniu.com/kodo/1284/list."""
    router = APIRouter(tags=["storage"])

    @router.get("/list", summary="List a bucket's objects")
    @router.post("/list", summary="List a bucket's objects")
    @about("bucket")
    async def list_objects(
        who: Authenticated,
        bucket: str,
        prefix: str = "",
        marker: str = "",
        delimiter: str = "",
        limit: Annotated[int, Query(ge=0, le=1000)] = 1000,
    ) -> dict[str, Any]:
        found = await buckets.get(bucket, who.account.id)
        page = await listing.page(found.id, prefix, _after(marker), limit or 1000, delimiter)
        answer: dict[str, Any] = {
            "items": [{"key": item.key, **shown(item, 0)} for item in page.items],
            "marker": _marker(page.last) if page.last is not None else "",
        }
        return {**answer, "commonPrefixes": page.prefixes} if page.prefixes else answer

    return router


def _marker(last: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"c": 0, "k": last}).encode()).decode()


def _after(marker: str) -> str | None:
    """The last key of the former page; BadMarker."""
    if not marker:
        return None
    try:
        key = json.loads(base64.b64decode(marker.encode("ascii"), altchars=b"-_", validate=True))["k"]
        key.encode()
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadMarker from None
    return str(key)
