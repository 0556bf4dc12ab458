"""The contract of the stores of uploads that are not objects yet, on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from oxbow.kernel.blobs import Blob
from oxbow.kernel.database import Database
from oxbow.rooms.storage.errors import BlockExpired, NoSuchUpload
from oxbow.rooms.storage.models import Bucket, Part
from oxbow.rooms.storage.store import BlockStore, PartStore
from oxbow.rooms.storage.store.tables import BlobRow
from oxbow.rooms.storage.store.unfinished import GRACE, LIFE
from rooms.storage.samples import NOW, OWNER, STRANGER

OVER = NOW + LIFE
SWEPT = OVER + GRACE


async def references(database: Database) -> dict[str, int]:
    async with database.session(readonly=True) as session:
        return {row.name: row.refs for row in await session.scalars(select(BlobRow)) if row.refs}


def a_part(number: int, blob: str) -> Part:
    return Part(number, f"etag-{blob}", "", (Blob(blob, 10),), NOW)


@pytest.fixture
def blocks(accounts: Database) -> BlockStore:
    return BlockStore(accounts)


@pytest.fixture
def parts(accounts: Database) -> PartStore:
    return PartStore(accounts)


class TestBlocks:
    async def test_a_context_never_changes(self, blocks: BlockStore, database: Database) -> None:
        first = await blocks.add(OWNER, 20, (Blob("a", 10),), "", NOW)
        whole = await blocks.add(OWNER, 20, (*first.blobs, Blob("b", 10)), "ff", NOW)
        assert await blocks.get(OWNER, [whole.context, first.context], NOW) == [whole, first]
        assert (first.offset, whole.offset) == (10, 20)
        assert await references(database) == {"a": 2, "b": 1}

    async def test_it_is_the_accounts_alone_and_expires(self, blocks: BlockStore) -> None:
        block = await blocks.add(OWNER, 10, (Blob("a", 10),), "ff", NOW)
        for account, context, now in (
            (STRANGER, block.context, NOW),
            (OWNER, "none", NOW),
            (OWNER, block.context, OVER),
        ):
            with pytest.raises(BlockExpired):
                await blocks.get(account, [context], now)

    async def test_what_expired_holds_its_blobs_for_a_while(
        self, blocks: BlockStore, database: Database
    ) -> None:
        await blocks.add(OWNER, 10, (Blob("a", 5), Blob("a", 5)), "ff", NOW)
        assert await blocks.sweep(SWEPT - 1) == 0
        assert await references(database) == {"a": 2}
        assert await blocks.sweep(SWEPT) == 1
        assert await references(database) == {}
        assert await blocks.sweep(SWEPT) == 0


class TestParts:
    async def test_parts_are_listed_by_number_and_replaced(
        self, parts: PartStore, bucket: Bucket, database: Database
    ) -> None:
        upload = await parts.begin(bucket.id, "k", NOW)
        for number, blob in ((2, "b"), (1, "a"), (2, "c")):
            await parts.put(upload, a_part(number, blob), NOW)
        assert await parts.parts(upload) == [a_part(1, "a"), a_part(2, "c")]
        assert await parts.parts(upload, after=1) == [a_part(2, "c")]
        assert await references(database) == {"a": 1, "c": 1}

    @pytest.mark.parametrize("key", ["k", "", None])
    async def test_an_upload_is_of_one_bucket_and_key(
        self, parts: PartStore, bucket: Bucket, key: str | None
    ) -> None:
        upload = await parts.begin(bucket.id, key, NOW)
        assert await parts.get(bucket.id, key, upload.id, NOW) == upload
        for where in ((bucket.id, "other"), (bucket.id + 1, key)):
            with pytest.raises(NoSuchUpload):
                await parts.get(*where, upload.id, NOW)

    async def test_one_that_ended_is_gone_at_once_and_its_blobs_later(
        self, parts: PartStore, bucket: Bucket, database: Database
    ) -> None:
        upload = await parts.begin(bucket.id, "k", NOW)
        await parts.put(upload, a_part(1, "a"), NOW)
        await parts.end(upload, NOW)
        with pytest.raises(NoSuchUpload):
            await parts.put(upload, a_part(2, "b"), NOW)
        assert await parts.sweep(NOW + GRACE - 1) == 0
        assert await references(database) == {"a": 1}
        while await parts.sweep(NOW + GRACE):
            pass
        assert await references(database) == {}
