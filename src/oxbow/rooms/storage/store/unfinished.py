"""Uploads that are not objects yet: blocks (v1) and parts (v2). Each refers to its blobs until it expires.

Nothing here is deleted while somebody may still be reading it: what is complete, given up or too old first
expires, and is out of sight at once, but holds its blobs for `GRACE` more seconds. An upload that becomes an
object in that moment has references of its own in time.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.blobs import Blob
from oxbow.kernel.database import Database
from oxbow.rooms.storage.errors import BlockExpired, NoSuchUpload
from oxbow.rooms.storage.models import DAY, Block, MultipartUpload, Part
from oxbow.rooms.storage.store.contents import count_blobs
from oxbow.rooms.storage.store.rows import blobs_column, blobs_of
from oxbow.rooms.storage.store.tables import BlockRow, PartRow, UploadRow

LIFE = 7 * DAY
"""Seconds that an upload may take: https://developer.qiniu.com/kodo/1286/mkblk."""
GRACE = 3600
"""Seconds for which what has expired still holds its blobs."""
AT_ONCE = 500
"""Rows of one query or transaction: the database is never held for long."""


class BlockStore:
    """Blocks of resumable uploads (v1), by their contexts.

    A context never changes, so that a client that lost an answer may ask again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: int, size: int, blobs: tuple[Blob, ...], sha1: str, now: int) -> Block:
        """Keep a block, or as much of it as has come, under a new context."""
        block = Block(secrets.token_urlsafe(30), size, blobs, now + LIFE, sha1)
        async with self._database.session() as session:
            session.add(
                BlockRow(
                    context=block.context,
                    account=account,
                    size=size,
                    sha1=sha1,
                    blobs=blobs_column(blobs),
                    expires_at=block.expires_at,
                )
            )
            await count_blobs(session, blobs, 1)
        return block

    async def get(self, account: int, contexts: Sequence[str], now: int) -> list[Block]:
        """The blocks in this order; BlockExpired for a context that is unknown, too old or another's."""
        found: dict[str, Block] = {}
        async with self._database.session(readonly=True) as session:
            for at in range(0, len(contexts), AT_ONCE):
                query = select(BlockRow).where(
                    BlockRow.context.in_(contexts[at : at + AT_ONCE]),
                    BlockRow.account == account,
                    BlockRow.expires_at > now,
                )
                found |= {row.context: _block(row) for row in await session.scalars(query)}
        try:
            return [found[context] for context in contexts]
        except KeyError:
            raise BlockExpired from None

    async def sweep(self, now: int) -> int:
        """Delete some that expired; how many, 0 when nothing is left to do."""
        due = (
            select(BlockRow)
            .where(BlockRow.expires_at <= now - GRACE)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        async with self._database.session() as session:
            rows = (await session.scalars(due)).all()
            await count_blobs(session, [blob for row in rows for blob in blobs_of(row.blobs)], -1)
            await session.execute(delete(BlockRow).where(BlockRow.context.in_([row.context for row in rows])))
            return len(rows)


class PartStore:
    """Multipart uploads (v2) and their parts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, bucket: int, key: str | None, now: int) -> MultipartUpload:
        upload = MultipartUpload(secrets.token_urlsafe(30), bucket, key, now + LIFE)
        async with self._database.session() as session:
            session.add(UploadRow(id=upload.id, bucket=bucket, key=key, expires_at=upload.expires_at))
        return upload

    async def get(self, bucket: int, key: str | None, upload: str, now: int) -> MultipartUpload:
        """NoSuchUpload, also for one of another bucket or key."""
        async with self._database.session(readonly=True) as session:
            return _upload(await _open(session, bucket, key, upload, now))

    async def put(self, upload: MultipartUpload, part: Part, now: int) -> None:
        """Keep a part, in place of a former one of its number; NoSuchUpload."""
        async with self._database.session() as session:
            # The upload is locked: neither does it expire nor does another part of this number come between.
            await _open(session, upload.bucket, upload.key, upload.id, now, hold=True)
            row = await session.get(PartRow, (upload.id, part.number))
            if row is None:
                row = PartRow(upload=upload.id, number=part.number, blobs="")
                session.add(row)
            await count_blobs(session, blobs_of(row.blobs), -1)
            row.etag, row.md5, row.put_at = part.etag, part.md5, part.put_at
            row.blobs = blobs_column(part.blobs)
            await count_blobs(session, part.blobs, 1)

    async def parts(self, upload: MultipartUpload, after: int = 0, limit: int | None = None) -> list[Part]:
        """The parts by number, those above `after`."""
        query = (
            select(PartRow)
            .where(PartRow.upload == upload.id, PartRow.number > after)
            .order_by(PartRow.number)
            .limit(limit)
        )
        async with self._database.session(readonly=True) as session:
            return [_part(row) for row in await session.scalars(query)]

    async def end(self, upload: MultipartUpload, now: int) -> None:
        """The upload is an object now, or was given up."""
        async with self._database.session() as session:
            await session.execute(update(UploadRow).where(UploadRow.id == upload.id).values(expires_at=now))

    async def sweep(self, now: int) -> int:
        """Delete some parts, or an upload, that expired; how many rows, 0 when nothing is left to do."""
        due = (
            select(UploadRow)
            .where(UploadRow.expires_at <= now - GRACE)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        async with self._database.session() as session:
            row = await session.scalar(due)
            if row is None:
                return 0
            parts = (
                await session.scalars(select(PartRow).where(PartRow.upload == row.id).limit(AT_ONCE))
            ).all()
            await count_blobs(session, [blob for part in parts for blob in blobs_of(part.blobs)], -1)
            numbers = [part.number for part in parts]
            await session.execute(
                delete(PartRow).where(PartRow.upload == row.id, PartRow.number.in_(numbers))
            )
            if len(parts) < AT_ONCE:
                await session.execute(delete(UploadRow).where(UploadRow.id == row.id))
            return len(parts) + 1


async def _open(
    session: AsyncSession, bucket: int, key: str | None, upload: str, now: int, *, hold: bool = False
) -> UploadRow:
    row = await session.get(UploadRow, upload, with_for_update=hold or None)
    if row is None or row.expires_at <= now or (row.bucket, row.key) != (bucket, key):
        raise NoSuchUpload
    return row


def _block(row: BlockRow) -> Block:
    return Block(row.context, row.size, blobs_of(row.blobs), row.expires_at, row.sha1)


def _upload(row: UploadRow) -> MultipartUpload:
    return MultipartUpload(row.id, row.bucket, row.key, row.expires_at)


def _part(row: PartRow) -> Part:
    return Part(row.number, row.etag, row.md5, blobs_of(row.blobs), row.put_at)
