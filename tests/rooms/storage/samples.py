"""What the tests of the storage room begin with."""

from __future__ import annotations

from oxbow.kernel.blobs import Blob
from oxbow.rooms.storage.models import Bucket, BucketSettings, Content, StoredObject
from oxbow.rooms.storage.store import Actor, BucketStore

OWNER, STRANGER = 1, 2
NOW = 1_800_000_000
OWN = Actor("root", NOW)


async def make_bucket(buckets: BucketStore, name: str, trash_days: int = 7) -> Bucket:
    return await buckets.create(name, OWNER, "z0", BucketSettings(trash_days=trash_days), NOW, limit=5)


def an_object(bucket: Bucket, key: str, blob: str = "b", size: int = 10) -> StoredObject:
    content = Content(f"hash-{blob}", size, "", (Blob(blob, size),))
    return StoredObject(bucket.id, key, content, "text/plain", NOW * 10_000_000)
