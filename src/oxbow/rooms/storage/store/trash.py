"""The trash: what was deleted or overwritten, and by whom, until it is purged."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database
from oxbow.rooms.storage.errors import FileExists, NoSuchFile
from oxbow.rooms.storage.models import Bucket, StoredObject, Trashed
from oxbow.rooms.storage.store.contents import drop_content
from oxbow.rooms.storage.store.listing import successor
from oxbow.rooms.storage.store.objects import Actor, put_in
from oxbow.rooms.storage.store.rows import content_of, from_trash
from oxbow.rooms.storage.store.tables import ContentRow, ObjectRow, TrashRow

PURGE_BATCH = 500
"""Entries that one transaction purges: the database is never held for long."""


class TrashStore:
    """Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, bucket: int, prefix: str, before: int | None, limit: int) -> list[Trashed]:
        """The newest entries first, those with an id below `before`."""
        query = (
            select(TrashRow, ContentRow)
            .join(ContentRow, TrashRow.content == ContentRow.id)
            .where(TrashRow.bucket == bucket)
            .order_by(TrashRow.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(TrashRow.id < before)
        if prefix:
            query = query.where(TrashRow.key >= prefix)
            if (end := successor(prefix)) is not None:
                query = query.where(TrashRow.key < end)
        async with self._database.session(readonly=True) as session:
            return [_trashed(row, content) for row, content in await session.execute(query)]

    async def restore(
        self, bucket: Bucket, entry: int, key: str | None, actor: Actor, *, force: bool
    ) -> StoredObject:
        """Put an object back where it was, or under another key; NoSuchFile, FileExists unless `force`."""
        async with self._database.session() as session:
            found = await _entry(session, bucket.id, entry)
            item = replace(found.object, bucket=bucket.id, key=found.object.key if key is None else key)
            if not force and await session.get(ObjectRow, (bucket.id, item.key)) is not None:
                raise FileExists
            # Its content is held by the entry, whose reference is dropped once the object has its own.
            restored = await put_in(session, bucket, item, actor, insert_only=False)
            await _purge(session, [(entry, item.content.id)])
            return restored

    async def purge(self, bucket: int, entry: int) -> None:
        """Delete for good; NoSuchFile."""
        async with self._database.session() as session:
            found = await _entry(session, bucket, entry)
            await _purge(session, [(entry, found.object.content.id)])

    async def purge_due(self, now: int) -> int:
        """Delete for good what has been kept for long enough; how many, 0 when nothing is left to do."""
        query = (
            select(TrashRow.id, TrashRow.content)
            .where(TrashRow.purge_at <= now)
            .order_by(TrashRow.purge_at)
            .limit(PURGE_BATCH)
            .with_for_update(skip_locked=True)
        )
        async with self._database.session() as session:
            due = [(entry, content) for entry, content in await session.execute(query)]
            await _purge(session, due)
            return len(due)


async def _entry(session: AsyncSession, bucket: int, entry: int) -> Trashed:
    query = (
        select(TrashRow, ContentRow)
        .join(ContentRow, TrashRow.content == ContentRow.id)
        .where(TrashRow.bucket == bucket, TrashRow.id == entry)
        .with_for_update(of=TrashRow)
    )
    found = (await session.execute(query)).first()
    if found is None:
        raise NoSuchFile
    return _trashed(found[0], found[1])


async def _purge(session: AsyncSession, entries: list[tuple[int, int]]) -> None:
    await session.execute(delete(TrashRow).where(TrashRow.id.in_([entry for entry, _ in entries])))
    for content in sorted(content for _, content in entries):
        await drop_content(session, content)


def _trashed(row: TrashRow, content: ContentRow) -> Trashed:
    item = from_trash(row.object, content_of(content))
    return Trashed(row.id, item, row.trashed_at, row.purge_at, row.why, row.by)
