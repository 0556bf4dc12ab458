"""The storage room: what it is called, what it offers to the API, and its life there."""

from __future__ import annotations

from fastapi import APIRouter

from oxbow.kernel.accounts import AccountService
from oxbow.kernel.blobs import BlobStore
from oxbow.kernel.database import Database
from oxbow.kernel.tasks import TaskService
from oxbow.rooms.storage.actions import DOWNLOAD, UPLOAD
from oxbow.rooms.storage.manage.objects import ObjectService
from oxbow.rooms.storage.manage.routes_buckets import buckets_router, query_router
from oxbow.rooms.storage.manage.routes_objects import listing_router, objects_router
from oxbow.rooms.storage.settings import StorageSettings
from oxbow.rooms.storage.store import BucketStore, ListingStore, ObjectStore
from oxbow.rooms.storage.tasks import Sweeping


class StorageRoom:
    """Managing buckets and objects; the object workers carry the bytes."""

    name = "storage"
    iam_service = "kodo"
    """What policies call it, as the public cloud does."""
    iam_type = "bucket"
    iam_actions = (UPLOAD, DOWNLOAD)
    settings_section = StorageSettings
    public_paths = ("/v4/query",)

    def __init__(
        self,
        settings: StorageSettings,
        database: Database,
        accounts: AccountService,
        tasks: TaskService,
        blobs: BlobStore,
        *,
        object_port: int,
    ) -> None:
        buckets = BucketStore(database)
        objects = ObjectService(buckets, ObjectStore(database))
        tasks.register(Sweeping(database, blobs, settings.sweep_seconds).kind)
        self.routers: list[APIRouter] = [
            objects_router(objects),
            listing_router(buckets, ListingStore(database)),
            buckets_router(buckets, settings),
            query_router(buckets, accounts.ring, settings.region, object_port),
        ]
