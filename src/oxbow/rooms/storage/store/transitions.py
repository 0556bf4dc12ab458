"""Objects that change by themselves when their time has come: they get cheaper to keep, or are deleted."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database
from oxbow.rooms.storage.models import StorageType, StoredObject
from oxbow.rooms.storage.store.objects import Actor, remove_in
from oxbow.rooms.storage.store.rows import assign, bucket_of, object_of
from oxbow.rooms.storage.store.tables import BucketRow, ContentRow, ObjectRow

AT_ONCE = 200
"""Objects of one transaction: the database is never held for long."""
_TYPES = {
    "to_infrequent": StorageType.INFREQUENT,
    "to_archive_instant": StorageType.ARCHIVE_INSTANT,
    "to_archive": StorageType.ARCHIVE,
    "to_deep_archive": StorageType.DEEP_ARCHIVE,
}


class TransitionStore:
    """Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply_due(self, actor: Actor) -> int:
        """Change some of the objects whose time has come; how many, 0 when nothing is left to do."""
        due = (
            select(ObjectRow)
            # The first condition is that of the partial index.
            .where(ObjectRow.next_change != 0, ObjectRow.next_change <= actor.now)
            .order_by(ObjectRow.next_change)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        async with self._database.session() as session:
            rows = (await session.scalars(due)).all()
            for row in rows:
                await _apply(session, row, actor)
            return len(rows)


async def _apply(session: AsyncSession, row: ObjectRow, actor: Actor) -> None:
    item = object_of(row, await session.get_one(ContentRow, row.content))
    if item.locked_till > actor.now:
        row.next_change = item.locked_till  # looked at again once the lock is over
    elif 0 < item.transitions.delete <= actor.now:
        bucket = bucket_of(await session.get_one(BucketRow, row.bucket))
        await remove_in(session, bucket, row.key, actor, "expired")
    else:
        assign(row, aged(item, actor.now))


def aged(item: StoredObject, now: int) -> StoredObject:
    """The object with the type that it is due by now, and without the transitions that led there."""
    due = {name: moment for name in _TYPES if 0 < (moment := getattr(item.transitions, name)) <= now}
    if not due:
        return item
    latest = max(due, key=lambda name: (due[name], list(_TYPES).index(name)))
    left = replace(item.transitions, **dict.fromkeys(due, 0))
    return replace(item, type=_TYPES[latest], transitions=left)
