"""The contract of lists: every key once, in the order of its bytes, whatever changes meanwhile."""

from __future__ import annotations

import pytest

from oxbow.rooms.storage.models import Bucket
from oxbow.rooms.storage.store import (
    ListingStore,
    ObjectStore,
)
from rooms.storage.samples import OWN, an_object

KEYS = ["", "a", "a/", "a/1", "a/2", "a/b/1", "a0", "b/1", "b/2", "é", "\uffff", "😀/1", "\U0010ffff"]


class TestListing:
    @pytest.fixture
    async def filled(self, objects: ObjectStore, bucket: Bucket) -> Bucket:
        for key in reversed(KEYS):
            await objects.put(bucket, an_object(bucket, key), OWN)
        return bucket

    async def walk(
        self, listing: ListingStore, bucket: Bucket, prefix: str, limit: int, delimiter: str = ""
    ) -> tuple[list[str], list[str]]:
        keys: list[str] = []
        prefixes: list[str] = []
        marker: str | None = None
        while True:
            page = await listing.page(bucket.id, prefix, marker, limit, delimiter)
            assert len(page) <= limit
            keys += [item.key for item in page.items]
            prefixes += page.prefixes
            if page.last is None:
                return keys, prefixes
            marker = page.last

    @pytest.mark.parametrize("limit", [1, 2, 3, 12, 13, 1000])
    async def test_every_key_comes_once_in_the_order_of_its_bytes(
        self, listing: ListingStore, filled: Bucket, limit: int
    ) -> None:
        keys, prefixes = await self.walk(listing, filled, "", limit)
        assert keys == sorted(KEYS, key=str.encode)
        assert prefixes == []

    @pytest.mark.parametrize("limit", [1, 2, 1000])
    @pytest.mark.parametrize("prefix", ["a", "a/", "b", "b/1", "zz", "\U0010ffff"])
    async def test_a_prefix_chooses(
        self, listing: ListingStore, filled: Bucket, prefix: str, limit: int
    ) -> None:
        keys, _ = await self.walk(listing, filled, prefix, limit)
        assert keys == [key for key in sorted(KEYS, key=str.encode) if key.startswith(prefix)]

    @pytest.mark.parametrize("limit", [1, 2, 3, 1000])
    async def test_a_delimiter_folds_what_lies_below_it(
        self, listing: ListingStore, filled: Bucket, limit: int
    ) -> None:
        keys, prefixes = await self.walk(listing, filled, "", limit, "/")
        assert keys == ["", "a", "a0", "é", "\uffff", "\U0010ffff"]
        assert prefixes == ["a/", "b/", "😀/"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 1000])
    async def test_an_object_named_as_its_folder_does_not_hide_what_is_in_it(
        self, listing: ListingStore, filled: Bucket, limit: int
    ) -> None:
        keys, prefixes = await self.walk(listing, filled, "a/", limit, "/")
        assert (keys, prefixes) == (["a/", "a/1", "a/2"], ["a/b/"])

    async def test_folders_of_many_objects_are_jumped_over(
        self, listing: ListingStore, objects: ObjectStore, bucket: Bucket
    ) -> None:
        for folder in range(3):
            for number in range(25):
                await objects.put(bucket, an_object(bucket, f"{folder}/{number:02}"), OWN)
        assert await self.walk(listing, bucket, "", 2, "/") == ([], ["0/", "1/", "2/"])

    async def test_what_is_deleted_meanwhile_does_not_shift_the_pages(
        self, listing: ListingStore, filled: Bucket, objects: ObjectStore
    ) -> None:
        first = await listing.page(filled.id, "", None, 4)
        for item in first.items:
            await objects.delete(filled, item.key, OWN)
        second = await listing.page(filled.id, "", first.last, 4)
        assert [item.key for item in second.items] == sorted(KEYS, key=str.encode)[4:8]

    async def test_a_marker_before_the_prefix_begins_with_the_prefix(
        self, listing: ListingStore, filled: Bucket
    ) -> None:
        page = await listing.page(filled.id, "b/", "a", 9)
        assert [item.key for item in page.items] == ["b/1", "b/2"]
