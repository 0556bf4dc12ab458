"""Buckets."""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from oxbow.kernel.database import Database
from oxbow.rooms.storage.errors import BucketExists, BucketNotEmpty, TooManyBuckets
from oxbow.rooms.storage.models import Bucket, BucketSettings
from oxbow.rooms.storage.store.rows import bucket_of, find_bucket, owned_bucket
from oxbow.rooms.storage.store.tables import BucketRow, ObjectRow, TrashRow


class BucketStore:
    """Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, name: str, account: int, region: str, settings: BucketSettings, now: int, limit: int
    ) -> Bucket:
        """BucketExists for any account's bucket of that name, TooManyBuckets."""
        try:
            async with self._database.session() as session:
                if await find_bucket(session, name) is not None:
                    raise BucketExists
                owned = select(func.count()).select_from(BucketRow).where(BucketRow.account == account)
                if (await session.scalars(owned)).one() >= limit:
                    raise TooManyBuckets(limit)
                row = BucketRow(
                    name=name,
                    account=account,
                    region=region,
                    created_at=now,
                    settings=msgspec.json.encode(settings).decode(),
                )
                session.add(row)
                await session.flush()
                return bucket_of(row)
        except IntegrityError:  # Another server was faster.
            raise BucketExists from None

    async def get(self, name: str, account: int) -> Bucket:
        """NoSuchBucket."""
        async with self._database.session(readonly=True) as session:
            return bucket_of(await owned_bucket(session, name, account))

    async def find(self, name: str) -> Bucket | None:
        """The bucket, whoever owns it: for downloads, and uploads by a token."""
        async with self._database.session(readonly=True) as session:
            row = await find_bucket(session, name)
            return bucket_of(row) if row else None

    async def all(self, account: int) -> list[Bucket]:
        """The account's buckets by name."""
        query = select(BucketRow).where(BucketRow.account == account).order_by(BucketRow.name)
        async with self._database.session(readonly=True) as session:
            return [bucket_of(row) for row in await session.scalars(query)]

    async def set(self, name: str, account: int, settings: BucketSettings) -> None:
        """NoSuchBucket."""
        async with self._database.session() as session:
            row = await owned_bucket(session, name, account)
            row.settings = msgspec.json.encode(settings).decode()

    async def drop(self, name: str, account: int) -> None:
        """NoSuchBucket, BucketNotEmpty."""
        async with self._database.session() as session:
            row = await owned_bucket(session, name, account)
            for table in (ObjectRow, TrashRow):
                if (await session.execute(select(1).where(table.bucket == row.id).limit(1))).first():
                    raise BucketNotEmpty
            await session.execute(delete(BucketRow).where(BucketRow.id == row.id))
