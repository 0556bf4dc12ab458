"""The contract of the storage room's stores, on each database that Oxbow supports."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from oxbow.kernel.blobs import Blob
from oxbow.kernel.database import Database
from oxbow.rooms.storage.errors import (
    BucketExists,
    BucketNotEmpty,
    FileExists,
    Forbidden,
    NoSuchBucket,
    NoSuchFile,
    TooManyBuckets,
)
from oxbow.rooms.storage.models import DAY, Bucket, BucketSettings, Content, Folder
from oxbow.rooms.storage.store import (
    Actor,
    BlobStore,
    BucketStore,
    FolderStore,
    ObjectStore,
    TrashStore,
)
from oxbow.rooms.storage.store.tables import BlobRow, ContentRow
from rooms.storage.samples import NOW, OWN, OWNER, STRANGER, an_object, make_bucket


async def references(database: Database) -> tuple[dict[str, int], int]:
    """How often each blob is referred to, and how many contents there are."""
    async with database.session(readonly=True) as session:
        blobs = {row.name: row.refs for row in await session.scalars(select(BlobRow)) if row.refs}
        return blobs, len((await session.scalars(select(ContentRow))).all())


class TestBuckets:
    async def test_a_bucket_is_its_owners_alone(self, buckets: BucketStore, bucket: Bucket) -> None:
        assert await buckets.get("photos", OWNER) == bucket
        assert await buckets.find("photos") == bucket
        with pytest.raises(NoSuchBucket):
            await buckets.get("photos", STRANGER)

    async def test_a_name_is_taken_once_whoever_asks(self, buckets: BucketStore, bucket: Bucket) -> None:
        with pytest.raises(BucketExists):
            await buckets.create("photos", STRANGER, "z0", BucketSettings(), NOW, limit=5)

    async def test_an_account_has_so_many(self, buckets: BucketStore) -> None:
        for number in range(5):
            await make_bucket(buckets, f"bucket-{number}")
        with pytest.raises(TooManyBuckets):
            await make_bucket(buckets, "one-more")
        assert [bucket.name for bucket in await buckets.all(OWNER)] == [f"bucket-{n}" for n in range(5)]

    async def test_only_one_of_many_makes_it(self, buckets: BucketStore) -> None:
        made = await asyncio.gather(
            *(make_bucket(buckets, "contested") for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(bucket, Bucket) for bucket in made) == 1

    async def test_a_full_bucket_is_not_dropped(
        self, buckets: BucketStore, bucket: Bucket, objects: ObjectStore, trash: TrashStore
    ) -> None:
        await objects.put(bucket, an_object(bucket, "a"), OWN)
        with pytest.raises(BucketNotEmpty):
            await buckets.drop("photos", OWNER)
        await objects.delete(bucket, "a", OWN)
        with pytest.raises(BucketNotEmpty):
            await buckets.drop("photos", OWNER)
        assert await trash.purge_due(NOW + 7 * DAY) == 1
        await buckets.drop("photos", OWNER)
        assert await buckets.find("photos") is None

    @pytest.mark.parametrize("name", ["\0", "a" * 64, "A", "../x", ""])
    async def test_a_name_that_is_none_is_no_bucket(self, buckets: BucketStore, name: str) -> None:
        assert await buckets.find(name) is None


class TestObjects:
    async def test_what_was_put_is_found(self, objects: ObjectStore, bucket: Bucket) -> None:
        put = await objects.put(bucket, an_object(bucket, "a/b.txt"), OWN)
        assert put.content.id
        assert await objects.get(bucket.id, "a/b.txt") == put

    @pytest.mark.parametrize(
        "key", ["", " ", "/", "//", "%2e%2e/..", "é😀", "k" * 750, "\x01", "a\nb", "'\"\\"]
    )
    async def test_any_key_is_kept_as_it_is(self, objects: ObjectStore, bucket: Bucket, key: str) -> None:
        await objects.put(bucket, an_object(bucket, key), OWN)
        assert (await objects.get(bucket.id, key)).key == key

    async def test_an_insert_takes_the_same_bytes_again_but_no_others(
        self, objects: ObjectStore, bucket: Bucket
    ) -> None:
        first = await objects.put(bucket, an_object(bucket, "a"), OWN, insert_only=True)
        assert await objects.put(bucket, an_object(bucket, "a"), OWN, insert_only=True) == first
        with pytest.raises(FileExists):
            await objects.put(bucket, an_object(bucket, "a", "other"), OWN, insert_only=True)

    async def test_a_locked_object_stays(self, objects: ObjectStore, bucket: Bucket) -> None:
        await objects.put(bucket, replace(an_object(bucket, "a"), locked_till=NOW + 10), OWN)
        with pytest.raises(Forbidden, match=str(NOW + 10)):
            await objects.delete(bucket, "a", OWN)
        with pytest.raises(Forbidden):
            await objects.put(bucket, an_object(bucket, "a", "other"), OWN)
        with pytest.raises(Forbidden):
            await objects.move((bucket, "a"), (bucket, "b"), OWN, force=False)
        await objects.delete(bucket, "a", Actor("root", NOW + 10))

    async def test_a_copy_shares_the_content(
        self, objects: ObjectStore, bucket: Bucket, accounts: Database
    ) -> None:
        original = await objects.put(bucket, an_object(bucket, "a"), OWN)
        copied = await objects.copy((bucket, "a"), (bucket, "b"), OWN, force=False)
        assert copied.content == original.content
        assert await references(accounts) == ({"b": 1}, 1)

    async def test_a_copy_overwrites_only_by_force(self, objects: ObjectStore, bucket: Bucket) -> None:
        await objects.put(bucket, an_object(bucket, "a", "one"), OWN)
        await objects.put(bucket, an_object(bucket, "b", "two"), OWN)
        with pytest.raises(FileExists):
            await objects.copy((bucket, "a"), (bucket, "b"), OWN, force=False)
        await objects.copy((bucket, "a"), (bucket, "b"), OWN, force=True)
        assert (await objects.get(bucket.id, "b")).content.hash == "hash-one"

    async def test_a_move_leaves_nothing_behind(
        self, objects: ObjectStore, bucket: Bucket, trash: TrashStore
    ) -> None:
        await objects.put(bucket, an_object(bucket, "a"), OWN)
        await objects.move((bucket, "a"), (bucket, "b"), OWN, force=False)
        assert (await objects.get(bucket.id, "b")).key == "b"
        with pytest.raises(NoSuchFile):
            await objects.get(bucket.id, "a")
        assert await trash.page(bucket.id, "", None, 10) == []

    async def test_a_move_onto_itself_changes_nothing(self, objects: ObjectStore, bucket: Bucket) -> None:
        put = await objects.put(bucket, an_object(bucket, "a"), OWN)
        await objects.move((bucket, "a"), (bucket, "a"), OWN, force=True)
        assert await objects.get(bucket.id, "a") == put

    @pytest.mark.parametrize("what", ["delete", "copy", "move", "change", "get"])
    async def test_what_is_missing_is_missing(self, objects: ObjectStore, bucket: Bucket, what: str) -> None:
        work = {
            "delete": lambda: objects.delete(bucket, "a", OWN),
            "copy": lambda: objects.copy((bucket, "a"), (bucket, "b"), OWN, force=True),
            "move": lambda: objects.move((bucket, "a"), (bucket, "a"), OWN, force=True),
            "change": lambda: objects.change(bucket.id, "a", mime_type="x/y"),
            "get": lambda: objects.get(bucket.id, "a"),
        }
        with pytest.raises(NoSuchFile):
            await work[what]()

    async def test_writers_of_one_key_leave_one_object_and_the_others_in_the_trash(
        self,
        objects: ObjectStore,
        bucket: Bucket,
        trash: TrashStore,
        folders: FolderStore,
        accounts: Database,
    ) -> None:
        await asyncio.gather(
            *(objects.put(bucket, an_object(bucket, "a", f"b{n}", 10 + n), OWN) for n in range(6))
        )
        last = await objects.get(bucket.id, "a")
        assert len(await trash.page(bucket.id, "", None, 10)) == 5
        assert await folders.size(bucket.id, "") == Folder("", 1, last.content.size)
        assert await references(accounts) == ({f"b{n}": 1 for n in range(6)}, 6)


class TestReferences:
    async def test_the_last_one_lets_go_of_the_blobs(
        self, buckets: BucketStore, objects: ObjectStore, accounts: Database
    ) -> None:
        bucket = await make_bucket(buckets, "no-trash", trash_days=0)
        await objects.put(bucket, an_object(bucket, "a"), OWN)
        await objects.copy((bucket, "a"), (bucket, "b"), OWN, force=False)
        await objects.delete(bucket, "a", OWN)
        assert await BlobStore(accounts).unreferenced(["b", "unknown"]) == {"unknown"}
        await objects.delete(bucket, "b", OWN)
        assert await references(accounts) == ({}, 0)
        assert await BlobStore(accounts).unreferenced(["b"]) == {"b"}
        await BlobStore(accounts).forget(["b"])

    async def test_a_blob_that_makes_up_a_content_twice_counts_twice(
        self, buckets: BucketStore, objects: ObjectStore, accounts: Database
    ) -> None:
        bucket = await make_bucket(buckets, "no-trash", trash_days=0)
        content = Content("h", 8, "", (Blob("same", 4), Blob("same", 4)))
        await objects.put(bucket, replace(an_object(bucket, "a"), content=content), OWN)
        assert await references(accounts) == ({"same": 2}, 1)
        await objects.delete(bucket, "a", OWN)
        assert await references(accounts) == ({}, 0)


class TestTrash:
    async def test_who_deleted_what_and_when_is_told(
        self, objects: ObjectStore, bucket: Bucket, trash: TrashStore
    ) -> None:
        put = await objects.put(bucket, an_object(bucket, "a", "one"), OWN)
        await objects.put(bucket, an_object(bucket, "a", "two"), Actor("anna", NOW + 1))
        await objects.delete(bucket, "a", Actor("bert", NOW + 2))
        deleted, overwritten = await trash.page(bucket.id, "", None, 10)
        assert (deleted.why, deleted.by, deleted.trashed_at) == ("deleted", "bert", NOW + 2)
        assert (overwritten.why, overwritten.by, overwritten.object) == ("overwritten", "anna", put)
        assert overwritten.purge_at == NOW + 1 + 7 * DAY

    async def test_it_is_listed_by_prefix_and_page(
        self, objects: ObjectStore, bucket: Bucket, trash: TrashStore
    ) -> None:
        for key in ("a/1", "a/2", "b/1"):
            await objects.put(bucket, an_object(bucket, key), OWN)
            await objects.delete(bucket, key, OWN)
        newest = (await trash.page(bucket.id, "a/", None, 1))[0]
        assert newest.object.key == "a/2"
        assert [entry.object.key for entry in await trash.page(bucket.id, "a/", newest.id, 9)] == ["a/1"]

    async def test_what_was_deleted_comes_back(
        self,
        objects: ObjectStore,
        bucket: Bucket,
        trash: TrashStore,
        folders: FolderStore,
        accounts: Database,
    ) -> None:
        put = await objects.put(bucket, an_object(bucket, "a/b"), OWN)
        await objects.delete(bucket, "a/b", OWN)
        entry = (await trash.page(bucket.id, "", None, 10))[0]
        assert await trash.restore(bucket, entry.id, None, OWN, force=False) == put
        assert await trash.page(bucket.id, "", None, 10) == []
        assert await folders.size(bucket.id, "a/") == Folder("a/", 1, 10)
        assert await references(accounts) == ({"b": 1}, 1)

    async def test_it_comes_back_over_another_only_by_force(
        self, objects: ObjectStore, bucket: Bucket, trash: TrashStore
    ) -> None:
        await objects.put(bucket, an_object(bucket, "a", "one"), OWN)
        await objects.put(bucket, an_object(bucket, "a", "two"), OWN)
        entry = (await trash.page(bucket.id, "", None, 10))[0]
        with pytest.raises(FileExists):
            await trash.restore(bucket, entry.id, None, OWN, force=False)
        assert (await trash.restore(bucket, entry.id, "c", OWN, force=False)).key == "c"

    async def test_it_is_purged_when_its_days_are_over(
        self, objects: ObjectStore, bucket: Bucket, trash: TrashStore, accounts: Database
    ) -> None:
        await objects.put(bucket, an_object(bucket, "a"), OWN)
        await objects.delete(bucket, "a", OWN)
        assert await trash.purge_due(NOW + 7 * DAY - 1) == 0
        assert await trash.purge_due(NOW + 7 * DAY) == 1
        assert await references(accounts) == ({}, 0)

    async def test_an_entry_is_purged_by_hand(
        self, objects: ObjectStore, bucket: Bucket, trash: TrashStore
    ) -> None:
        await objects.put(bucket, an_object(bucket, "a"), OWN)
        await objects.delete(bucket, "a", OWN)
        entry = (await trash.page(bucket.id, "", None, 10))[0]
        await trash.purge(bucket.id, entry.id)
        with pytest.raises(NoSuchFile):
            await trash.restore(bucket, entry.id, None, OWN, force=False)


class TestFolders:
    async def test_sizes_follow_every_change(
        self, objects: ObjectStore, bucket: Bucket, folders: FolderStore
    ) -> None:
        await objects.put(bucket, an_object(bucket, "a/b/1", size=1), OWN)
        await objects.put(bucket, an_object(bucket, "a/2", size=20), OWN)
        await objects.put(bucket, an_object(bucket, "3", size=300), OWN)
        assert await folders.sizes(bucket.id, ["", "a/", "a/b/", "none/"]) == {
            "": Folder("", 3, 321),
            "a/": Folder("a/", 2, 21),
            "a/b/": Folder("a/b/", 1, 1),
        }
        await objects.put(bucket, an_object(bucket, "a/2", "other", size=5), OWN)
        await objects.move((bucket, "a/b/1"), (bucket, "c/1"), OWN, force=False)
        assert await folders.sizes(bucket.id, ["", "a/", "a/b/", "c/"]) == {
            "": Folder("", 3, 306),
            "a/": Folder("a/", 1, 5),
            "c/": Folder("c/", 1, 1),
        }

    async def test_an_empty_folder_has_no_size(self, bucket: Bucket, folders: FolderStore) -> None:
        assert await folders.size(bucket.id, "a/") == Folder("a/", 0, 0)
