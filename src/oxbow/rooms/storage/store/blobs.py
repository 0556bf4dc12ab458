"""What the sweeper needs to know: which blobs anything refers to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select

from oxbow.kernel.database import Database
from oxbow.rooms.storage.store.tables import BlobRow


class BlobStore:
    """References to blobs; contents count them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unreferenced(self, names: Collection[str]) -> set[str]:
        """Those of the names that nothing refers to."""
        query = select(BlobRow.name).where(BlobRow.name.in_(list(names)), BlobRow.refs > 0)
        async with self._database.session(readonly=True) as session:
            return set(names) - set(await session.scalars(query))

    async def forget(self, names: Collection[str]) -> None:
        """Forget the counters of blobs that are gone, unless something refers to them by now."""
        async with self._database.session() as session:
            await session.execute(delete(BlobRow).where(BlobRow.name.in_(list(names)), BlobRow.refs <= 0))
