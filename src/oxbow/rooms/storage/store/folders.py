"""How much lies below each folder, kept up to date with every object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database, upsert
from oxbow.rooms.storage.models import Folder, folders_of
from oxbow.rooms.storage.store.tables import FolderRow

Change = tuple[str, int, int]
"""A key, and the objects and bytes that it brings (or takes, below zero)."""


async def count_in(session: AsyncSession, bucket: int, changes: Iterable[Change]) -> None:
    """Bring the folders above each key up to date."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for key, objects, size in changes:
        for folder in folders_of(key):
            sums[folder][0] += objects
            sums[folder][1] += size
    # In order, so that two transactions never wait for each other in a circle.
    for prefix, (objects, size) in sorted(sums.items()):
        if objects or size:
            await _add(session, bucket, prefix, objects, size)
    emptied = [prefix for prefix, (objects, _) in sums.items() if objects < 0]
    if emptied:
        await session.execute(
            delete(FolderRow).where(
                FolderRow.bucket == bucket, FolderRow.prefix.in_(emptied), FolderRow.objects == 0
            )
        )


async def _add(session: AsyncSession, bucket: int, prefix: str, objects: int, size: int) -> None:
    insert = upsert(session, FolderRow).values(bucket=bucket, prefix=prefix, objects=objects, bytes=size)
    await session.execute(
        insert.on_conflict_do_update(
            index_elements=["bucket", "prefix"],
            set_={"objects": FolderRow.objects + objects, "bytes": FolderRow.bytes + size},
        )
    )


class FolderStore:
    """Answers at once what walking would take minutes for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def size(self, bucket: int, prefix: str) -> Folder:
        """A folder's objects and bytes: `prefix` is empty for the bucket, or ends with a slash."""
        async with self._database.session(readonly=True) as session:
            row = await session.get(FolderRow, (bucket, prefix))
            return Folder(prefix, row.objects, row.bytes) if row else Folder(prefix, 0, 0)

    async def sizes(self, bucket: int, prefixes: Iterable[str]) -> dict[str, Folder]:
        """The same of several folders; those that hold nothing are left out."""
        query = select(FolderRow).where(FolderRow.bucket == bucket, FolderRow.prefix.in_(list(prefixes)))
        async with self._database.session(readonly=True) as session:
            rows = await session.scalars(query)
            return {row.prefix: Folder(row.prefix, row.objects, row.bytes) for row in rows}
