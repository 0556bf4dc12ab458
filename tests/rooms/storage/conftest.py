"""Fixtures of the storage room: its stores on each database, and a bucket."""

from __future__ import annotations

import pytest

from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database
from oxbow.rooms.storage.models import Bucket
from oxbow.rooms.storage.store import BucketStore, FolderStore, ListingStore, ObjectStore, TrashStore
from rooms.storage.samples import OWNER, STRANGER, make_bucket


@pytest.fixture
async def accounts(database: Database) -> Database:
    async with database.session() as session:
        session.add(AccountRow(id=OWNER, name="owner", created_at=1))
        session.add(AccountRow(id=STRANGER, name="stranger", created_at=1))
    return database


@pytest.fixture
def buckets(accounts: Database) -> BucketStore:
    return BucketStore(accounts)


@pytest.fixture
async def bucket(buckets: BucketStore) -> Bucket:
    return await make_bucket(buckets, "photos")


@pytest.fixture
def objects(accounts: Database) -> ObjectStore:
    return ObjectStore(accounts)


@pytest.fixture
def listing(accounts: Database) -> ListingStore:
    return ListingStore(accounts)


@pytest.fixture
def folders(accounts: Database) -> FolderStore:
    return FolderStore(accounts)


@pytest.fixture
def trash(accounts: Database) -> TrashStore:
    return TrashStore(accounts)
