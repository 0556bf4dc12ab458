"""The sweeper, on each database and a directory of blobs."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from oxbow.kernel.blobs import Blob, LocalBlobs
from oxbow.kernel.database import Database
from oxbow.rooms.storage.errors import NoSuchFile
from oxbow.rooms.storage.models import DAY, Bucket, Content, StorageType, Transitions
from oxbow.rooms.storage.store import BlockStore, ObjectStore, TrashStore
from oxbow.rooms.storage.store.unfinished import GRACE, LIFE
from oxbow.rooms.storage.tasks import Sweeping
from oxbow.testing.tasks import InlineContext
from rooms.storage.samples import NOW, OWN, OWNER, an_object

PERIOD = 3600
Keep = Callable[[bytes], Awaitable[Blob]]
Sweep = Callable[[int], Awaitable[None]]


@pytest.fixture
async def blobs(tmp_path: Path) -> LocalBlobs:
    store = LocalBlobs(tmp_path / "objects", fsync=False)
    await store.open()
    return store


@pytest.fixture
def keep(blobs: LocalBlobs) -> Keep:
    async def keep(data: bytes) -> Blob:
        async with blobs.writer() as writer:
            await writer.write(data)
            blob = await writer.commit()
        os.utime(blobs.path(blob.name), (NOW, NOW))
        return blob

    return keep


@pytest.fixture
def sweep(accounts: Database, blobs: LocalBlobs) -> Sweep:
    async def sweep(now: int) -> None:
        await Sweeping(accounts, blobs, PERIOD, lambda: now).run(InlineContext())

    return sweep


async def test_bytes_that_nobody_refers_to_go_once_they_are_old(
    blobs: LocalBlobs, keep: Keep, sweep: Sweep
) -> None:
    left = await keep(b"left")
    await sweep(NOW + PERIOD)
    assert blobs.path(left.name).exists(), "somebody may be about to refer to it"
    await sweep(NOW + PERIOD + 1)
    assert not blobs.path(left.name).exists()


async def test_an_objects_bytes_stay_until_its_trash_is_purged(
    bucket: Bucket, objects: ObjectStore, trash: TrashStore, blobs: LocalBlobs, keep: Keep, sweep: Sweep
) -> None:
    blob = await keep(b"kept")
    item = replace(an_object(bucket, "a"), content=Content("h", 4, "", (blob,)))
    await objects.put(bucket, item, OWN)
    await sweep(NOW + 30 * DAY)
    assert blobs.path(blob.name).exists()
    await objects.delete(bucket, "a", OWN)
    await sweep(NOW + 7 * DAY - 1)
    assert blobs.path(blob.name).exists()
    await sweep(NOW + 7 * DAY)
    assert not blobs.path(blob.name).exists()
    assert await trash.page(bucket.id, "", None, 10) == []


async def test_a_block_that_nobody_made_a_file_of_goes_with_its_bytes(
    accounts: Database, blobs: LocalBlobs, keep: Keep, sweep: Sweep
) -> None:
    blob = await keep(b"a block")
    await BlockStore(accounts).add(OWNER, 7, (blob,), "ff", NOW)
    await sweep(NOW + LIFE)
    assert blobs.path(blob.name).exists()
    await sweep(NOW + LIFE + GRACE)
    assert not blobs.path(blob.name).exists()


async def test_an_object_whose_days_are_over_is_in_the_trash(
    bucket: Bucket, objects: ObjectStore, trash: TrashStore, sweep: Sweep
) -> None:
    item = replace(an_object(bucket, "a"), transitions=Transitions(delete=NOW + DAY))
    await objects.put(bucket, item, OWN)
    await sweep(NOW + DAY - 1)
    await objects.get(bucket.id, "a")
    await sweep(NOW + DAY)
    with pytest.raises(NoSuchFile):
        await objects.get(bucket.id, "a")
    [entry] = await trash.page(bucket.id, "", None, 10)
    assert (entry.why, entry.by) == ("expired", "lifecycle")


async def test_a_locked_object_outlives_its_days(bucket: Bucket, objects: ObjectStore, sweep: Sweep) -> None:
    until = NOW + 3 * DAY
    item = replace(an_object(bucket, "a"), transitions=Transitions(delete=NOW + DAY), locked_till=until)
    await objects.put(bucket, item, OWN)
    await sweep(until - 1)
    assert (await objects.get(bucket.id, "a")).transitions.delete == NOW + DAY
    await sweep(until)
    with pytest.raises(NoSuchFile):
        await objects.get(bucket.id, "a")


async def test_an_object_takes_the_type_it_is_due_and_goes_on_from_there(
    bucket: Bucket, objects: ObjectStore, sweep: Sweep
) -> None:
    plan = Transitions(to_infrequent=NOW + DAY, to_archive=NOW + 2 * DAY, to_deep_archive=NOW + 9 * DAY)
    await objects.put(bucket, replace(an_object(bucket, "a"), transitions=plan), OWN)
    await sweep(NOW + 3 * DAY)
    found = await objects.get(bucket.id, "a")
    assert found.type == StorageType.ARCHIVE, "a sweeper that was away takes several steps at once"
    assert found.transitions == Transitions(to_deep_archive=NOW + 9 * DAY)
    await sweep(NOW + 9 * DAY)
    assert (await objects.get(bucket.id, "a")).type == StorageType.DEEP_ARCHIVE
