"""Objects: what is kept under a key, and what becomes of what was kept there before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database
from oxbow.rooms.storage.errors import FileExists, Forbidden, NoSuchFile
from oxbow.rooms.storage.models import DAY, Bucket, StoredObject
from oxbow.rooms.storage.store.contents import add_content, drop_content, hold_content
from oxbow.rooms.storage.store.folders import count_in
from oxbow.rooms.storage.store.rows import assign, columns_of, object_of, trashed_json
from oxbow.rooms.storage.store.tables import ContentRow, ObjectRow, TrashRow


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something and when, for the trash."""

    name: str
    now: int


class ObjectStore:
    """Every method is one transaction: afterwards there is the old object or the new one, and the trash, the
    folders' sizes and the references agree with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, bucket: int, key: str) -> StoredObject:
        """NoSuchFile."""
        async with self._database.session(readonly=True) as session:
            return object_of(*await _find(session, bucket, key))

    async def put(
        self, bucket: Bucket, item: StoredObject, actor: Actor, *, insert_only: bool = False
    ) -> StoredObject:
        """Keep an object, of a new content (id 0) or of one that is kept already, in place of a former one.

        :raises FileExists: with `insert_only`, for a key that has an object of other bytes; the same bytes
            are answered as if they had been uploaded, as clients that retry expect.
        """
        try:
            async with self._database.session() as session:
                return await put_in(session, bucket, item, actor, insert_only)
        except IntegrityError:  # On PostgreSQL two writers of a new key may both find nothing there.
            async with self._database.session() as session:
                return await put_in(session, bucket, item, actor, insert_only)

    async def delete(self, bucket: Bucket, key: str, actor: Actor, why: str = "deleted") -> None:
        """NoSuchFile; Forbidden while it is locked."""
        async with self._database.session() as session:
            await remove_in(session, bucket, key, actor, why)

    async def copy(
        self, source: tuple[Bucket, str], target: tuple[Bucket, str], actor: Actor, *, force: bool
    ) -> StoredObject:
        """NoSuchFile; FileExists unless `force`."""
        async with self._database.session() as session:
            return await _copy(session, source, target, actor, force)

    async def move(
        self, source: tuple[Bucket, str], target: tuple[Bucket, str], actor: Actor, *, force: bool
    ) -> StoredObject:
        """NoSuchFile; FileExists unless `force`; Forbidden while the source is locked. Nothing of it lands in
        the trash but what the target overwrites."""
        async with self._database.session() as session:
            if source == target:
                return object_of(*await _find(session, source[0].id, source[1]))
            moved = await _copy(session, source, target, actor, force)
            await remove_in(session, *source, actor, "moved", trash=False)
            return moved

    async def change(self, bucket: int, key: str, **changes: Any) -> StoredObject:
        """Set some of an object's fields; NoSuchFile."""
        async with self._database.session() as session:
            row, content = await _find(session, bucket, key, hold=True)
            changed = replace(object_of(row, content), **changes)
            assign(row, changed)
            return changed


async def _find(
    session: AsyncSession, bucket: int, key: str, *, hold: bool = False
) -> tuple[ObjectRow, ContentRow]:
    # Two queries where the row is locked: PostgreSQL would wait for another writer of the row and then join
    # what that one wrote with the content the row had before, which is nothing.
    row = await session.get(ObjectRow, (bucket, key), with_for_update=hold or None)
    if row is None:
        raise NoSuchFile
    return row, await session.get_one(ContentRow, row.content)


async def put_in(
    session: AsyncSession, bucket: Bucket, item: StoredObject, actor: Actor, insert_only: bool
) -> StoredObject:
    """`ObjectStore.put`, within a transaction."""
    try:
        former_row, former_content = await _find(session, bucket.id, item.key, hold=True)
    except NoSuchFile:
        item = await _with_content(session, item)
        session.add(ObjectRow(**columns_of(item)))
        await session.flush()
        await count_in(session, bucket.id, [(item.key, 1, item.content.size)])
        return item
    former = object_of(former_row, former_content)
    if insert_only:
        if former.content.hash == item.content.hash and former.content.size == item.content.size:
            return former
        raise FileExists
    _check_lock(former, actor)
    item = await _with_content(session, item)
    await _discard(session, bucket, former, actor, "overwritten")
    assign(former_row, item)
    await count_in(session, bucket.id, [(item.key, 0, item.content.size - former.content.size)])
    return item


async def _with_content(session: AsyncSession, item: StoredObject) -> StoredObject:
    """The item with a reference to its content, which is stored first if it is new."""
    if item.content.id:
        await hold_content(session, item.content.id)
        return item
    return replace(item, content=await add_content(session, item.content))


async def _copy(
    session: AsyncSession,
    source: tuple[Bucket, str],
    target: tuple[Bucket, str],
    actor: Actor,
    force: bool,
) -> StoredObject:
    original = object_of(*await _find(session, source[0].id, source[1], hold=True))
    bucket, key = target
    if not force and await session.get(ObjectRow, (bucket.id, key)) is not None:
        raise FileExists
    copied = replace(original, bucket=bucket.id, key=key, locked_till=0)
    return await put_in(session, bucket, copied, actor, insert_only=False)


async def remove_in(
    session: AsyncSession, bucket: Bucket, key: str, actor: Actor, why: str, *, trash: bool = True
) -> None:
    """`ObjectStore.delete`, within a transaction; without `trash` for good."""
    former = object_of(*await _find(session, bucket.id, key, hold=True))
    _check_lock(former, actor)
    await session.execute(delete(ObjectRow).where(ObjectRow.bucket == bucket.id, ObjectRow.key == key))
    if trash:
        await _discard(session, bucket, former, actor, why)
    else:
        await drop_content(session, former.content.id)
    await count_in(session, bucket.id, [(key, -1, -former.content.size)])


async def _discard(
    session: AsyncSession, bucket: Bucket, former: StoredObject, actor: Actor, why: str
) -> None:
    """Into the trash, which takes over the reference to the content; or, where there is none, for good."""
    days = bucket.settings.trash_days
    if days <= 0:
        await drop_content(session, former.content.id)
        return
    session.add(
        TrashRow(
            bucket=bucket.id,
            key=former.key,
            content=former.content.id,
            object=trashed_json(former),
            trashed_at=actor.now,
            purge_at=actor.now + days * DAY,
            why=why,
            by=actor.name,
        )
    )


def _check_lock(item: StoredObject, actor: Actor) -> None:
    if item.locked_till > actor.now:
        text = f"the object is locked: it can be neither removed nor overwritten before {item.locked_till}"
        raise Forbidden(text)
