"""Routes of buckets, and of where a bucket is served: https://developer.qiniu.com/kodo/1382/mkbucketv3."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from fastapi import APIRouter, Request

from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway import Authenticated
from oxbow.kernel.iam.actions import about, partly
from oxbow.rooms.storage.errors import BadArgument
from oxbow.rooms.storage.models import BUCKET_RULE, Bucket, BucketSettings, is_bucket_name
from oxbow.rooms.storage.settings import StorageSettings
from oxbow.rooms.storage.store import BucketStore

QUERY_SECONDS = 86_400
"""How long a client may keep what it was told of a region."""


def buckets_router(buckets: BucketStore, settings: StorageSettings) -> APIRouter:
    """What can be done with buckets."""
    router = APIRouter(tags=["storage"])

    @router.post("/mkbucketv3/{name}/region/{region}", summary="Make a bucket")
    @about("name")
    async def make_bucket(who: Authenticated, name: str, region: str) -> dict[str, Any]:
        if not is_bucket_name(name):
            raise BadArgument("bucket", f"takes {BUCKET_RULE}")
        if region != settings.region:
            raise BadArgument("region", f"is {settings.region} on this server")
        now = int(time.time())
        limit = settings.buckets_per_account
        await buckets.create(name, who.account.id, region, BucketSettings(), now, limit)
        return {}

    @router.post("/drop/{name}", summary="Delete an empty bucket")
    @about("name")
    async def drop_bucket(who: Authenticated, name: str) -> dict[str, Any]:
        await buckets.drop(name, who.account.id)
        return {}

    @router.get("/buckets", summary="The names of all buckets")
    @router.post("/buckets", summary="The names of all buckets")
    @partly
    async def list_buckets(who: Authenticated) -> list[str]:
        return [bucket.name for bucket in await buckets.all(who.account.id) if who.may(bucket.name)]

    @router.get("/v3/buckets", summary="All buckets of a region")
    @router.post("/v3/buckets", summary="All buckets of a region")
    @partly
    async def list_region(who: Authenticated, region: str = "") -> list[dict[str, Any]]:
        found = [bucket for bucket in await buckets.all(who.account.id) if who.may(bucket.name)]
        return [_shown(bucket) for bucket in found if region in ("", bucket.region)]

    @router.get("/v2/bucketInfo", summary="A bucket's properties")
    @router.post("/v2/bucketInfo", summary="A bucket's properties")
    @about("bucket")
    async def bucket_info(who: Authenticated, bucket: str) -> dict[str, Any]:
        return _shown(await buckets.get(bucket, who.account.id))

    @router.post("/private", summary="Make a bucket private or public")
    @about("bucket")
    async def set_private(who: Authenticated, bucket: str, private: int) -> dict[str, Any]:
        if private not in (0, 1):
            raise BadArgument("private", "takes 0 or 1")
        found = await buckets.get(bucket, who.account.id)
        changed = msgspec.structs.replace(found.settings, private=bool(private))
        await buckets.set(bucket, who.account.id, changed)
        return {}

    return router


def query_router(buckets: BucketStore, keys: KeyRing, region: str, object_port: int) -> APIRouter:
    """Which hosts a client talks to; asked without a signature."""
    router = APIRouter(tags=["storage"])

    @router.get("/v4/query", summary="Which hosts serve a bucket")
    async def query_hosts(request: Request, ak: str = "", bucket: str = "") -> dict[str, Any]:
        pair, found = await keys.find(ak), await buckets.find(bucket)
        if pair is None or found is None or found.account != pair.account.id:
            raise ApiError(612, "no such bucket of this access key")
        api = request.headers.get("host", "")
        host = api.rpartition(":")[0] if api.rpartition(":")[2].isdecimal() else api
        objects = f"{host}:{object_port}"
        domains = {"up": objects, "io": objects, "rs": api, "rsf": api, "api": api, "uc": api}
        services = {name: {"domains": [domain]} for name, domain in domains.items()}
        return {"hosts": [{"region": region, "ttl": QUERY_SECONDS, **services}]}

    return router


def _shown(bucket: Bucket) -> dict[str, Any]:
    return {
        "tbl": bucket.name,
        "itbl": bucket.id,
        "zone": bucket.region,
        "region": bucket.region,
        "private": int(bucket.settings.private),
        "protected": 0,
        "ctime": bucket.created_at,
        "max_age": bucket.settings.max_age,
        "trash_days": bucket.settings.trash_days,
    }
