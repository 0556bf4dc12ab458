"""Between rows and models, and the helpers that every store here needs."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.blobs import Blob
from oxbow.rooms.storage.errors import NoSuchBucket
from oxbow.rooms.storage.models import (
    Bucket,
    BucketSettings,
    Content,
    StorageType,
    StoredObject,
    Transitions,
    is_bucket_name,
)
from oxbow.rooms.storage.store.tables import BucketRow, ContentRow, ObjectRow


def bucket_of(row: BucketRow) -> Bucket:
    settings = msgspec.json.decode(row.settings, type=BucketSettings)
    return Bucket(row.id, row.name, row.account, row.region, row.created_at, settings)


def content_of(row: ContentRow) -> Content:
    return Content(row.hash, row.size, row.md5, blobs_of(row.blobs), row.id)


def blobs_of(column: str) -> tuple[Blob, ...]:
    """The inverse of `blobs_column`."""
    pairs = (pair.rpartition(":") for pair in column.split())
    return tuple(Blob(name, int(size)) for name, _, size in pairs)


def blobs_column(blobs: tuple[Blob, ...]) -> str:
    return " ".join(f"{blob.name}:{blob.size}" for blob in blobs)


def object_of(row: ObjectRow, content: ContentRow) -> StoredObject:
    return StoredObject(
        bucket=row.bucket,
        key=row.key,
        content=content_of(content),
        mime_type=row.mime_type,
        put_time=row.put_time,
        type=StorageType(row.type),
        disabled=row.disabled,
        end_user=row.end_user,
        metadata=msgspec.json.decode(row.metadata_, type=dict[str, str]),
        transitions=msgspec.json.decode(row.transitions, type=Transitions),
        restored_till=row.restored_till,
        source=row.source,
        locked_till=row.locked_till,
    )


def columns_of(item: StoredObject) -> dict[str, Any]:
    """The object as the attributes of its row."""
    moments = [moment for moment in asdict(item.transitions).values() if moment]
    return {
        "bucket": item.bucket,
        "key": item.key,
        "content": item.content.id,
        "mime_type": item.mime_type,
        "put_time": item.put_time,
        "type": int(item.type),
        "disabled": item.disabled,
        "end_user": item.end_user,
        "metadata_": msgspec.json.encode(item.metadata).decode(),
        "transitions": msgspec.json.encode(item.transitions).decode(),
        "next_change": min(moments, default=0),
        "restored_till": item.restored_till,
        "source": item.source,
        "locked_till": item.locked_till,
    }


def assign(row: ObjectRow, item: StoredObject) -> None:
    """Make the row say what the object is."""
    for name, value in columns_of(item).items():
        setattr(row, name, value)


def trashed_json(item: StoredObject) -> str:
    """What of an object is neither its place nor its bytes, for the trash."""
    return msgspec.json.encode(replace(item, content=Content("", 0, "", ()))).decode()


def from_trash(text: str, content: Content) -> StoredObject:
    """The inverse of `trashed_json`, with the bytes it had."""
    return replace(msgspec.json.decode(text, type=StoredObject), content=content)


async def find_bucket(session: AsyncSession, name: str) -> BucketRow | None:
    """The bucket, whoever owns it."""
    if not is_bucket_name(name):  # PostgreSQL refuses to compare with what is no text, such as a zero byte.
        return None
    return await session.scalar(select(BucketRow).where(BucketRow.name == name))


async def owned_bucket(session: AsyncSession, name: str, account: int) -> BucketRow:
    """The bucket, if it belongs to the account; NoSuchBucket otherwise."""
    row = await find_bucket(session, name)
    if row is None or row.account != account:
        raise NoSuchBucket
    return row
