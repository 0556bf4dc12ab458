"""Contents and blobs: who refers to what, counted in the transaction that makes or drops the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.blobs import Blob
from oxbow.kernel.database import upsert
from oxbow.rooms.storage.models import Content
from oxbow.rooms.storage.store.rows import blobs_column, content_of
from oxbow.rooms.storage.store.tables import BlobRow, ContentRow


async def add_content(session: AsyncSession, content: Content) -> Content:
    """Keep a content with one reference to it; returns it with its id."""
    row = ContentRow(
        hash=content.hash,
        size=content.size,
        md5=content.md5,
        blobs=blobs_column(content.blobs),
        refs=1,
    )
    session.add(row)
    await count_blobs(session, content.blobs, 1)
    await session.flush()
    return replace(content, id=row.id)


async def hold_content(session: AsyncSession, content: int) -> None:
    """One more object, or entry of the trash, refers to a content that is kept."""
    await session.execute(update(ContentRow).where(ContentRow.id == content).values(refs=ContentRow.refs + 1))


async def drop_content(session: AsyncSession, content: int) -> None:
    """One less refers to it. The last one lets go of its blobs, which the sweeper then deletes."""
    row = await session.get_one(ContentRow, content, with_for_update=True)
    if row.refs > 1:
        row.refs -= 1
        return
    await count_blobs(session, content_of(row).blobs, -1)
    await session.execute(delete(ContentRow).where(ContentRow.id == content))


async def count_blobs(session: AsyncSession, blobs: Iterable[Blob], change: int) -> None:
    """Add `change` to the references of each blob, as often as it is named."""
    # In the order of their names, so that two transactions never wait for each other in a circle.
    for name, times in sorted(Counter(blob.name for blob in blobs).items()):
        insert = upsert(session, BlobRow).values(name=name, refs=change * times)
        await session.execute(
            insert.on_conflict_do_update(
                index_elements=["name"], set_={"refs": BlobRow.refs + change * times}
            )
        )
