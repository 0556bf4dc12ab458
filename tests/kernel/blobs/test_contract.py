"""What every store of object bytes promises."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oxbow.kernel.blobs import BlobMissing, BlobStore, LocalBlobs

PIECES = [b"", b"a", b"bc" * 700_000, b"d" * (1 << 20), b"e"]
WHOLE = b"".join(PIECES)


@pytest.fixture(params=["local, synced", "local, unsynced"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = LocalBlobs(tmp_path / "blobs", fsync=request.param == "local, synced")
    await store.open()
    yield store
    await store.close()


async def put(blobs: BlobStore, data: bytes) -> str:
    async with blobs.writer() as writer:
        await writer.write(data)
        return (await writer.commit()).name


async def get(blobs: BlobStore, name: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.read(name, start, end)])


async def names(blobs: BlobStore, before: float) -> set[str]:
    return {name async for name in blobs.names(before)}


async def test_what_was_written_in_pieces_is_read_whole(blobs: BlobStore) -> None:
    async with blobs.writer() as writer:
        for piece in PIECES:
            await writer.write(piece)
        assert writer.size == len(WHOLE)
        blob = await writer.commit()
    assert blob.size == len(WHOLE)
    assert await get(blobs, blob.name) == WHOLE


async def test_an_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    assert await get(blobs, await put(blobs, b"")) == b""


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (5, 5), (1, None), (2, 1_000_000), (9, 10), (8, 99), (99, None)]
)
async def test_a_range_is_read_alone(blobs: BlobStore, start: int, end: int | None) -> None:
    data = bytes(range(256)) * 8
    assert await get(blobs, await put(blobs, data), start, end) == data[start:end]


async def test_digests_see_every_byte_once(blobs: BlobStore) -> None:
    sha1, md5 = hashlib.sha1(), hashlib.md5()
    async with blobs.writer(sha1, md5) as writer:
        for piece in PIECES:
            await writer.write(piece)
        await writer.commit()
    assert sha1.digest() == hashlib.sha1(WHOLE).digest()
    assert md5.digest() == hashlib.md5(WHOLE).digest()


async def test_what_is_not_committed_leaves_nothing(blobs: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        async with blobs.writer() as writer:
            await writer.write(WHOLE)
            raise RuntimeError
    assert await names(blobs, time.time() + 60) == set()
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


async def test_equal_bytes_written_at_once_are_both_kept(blobs: BlobStore) -> None:
    written = await asyncio.gather(*(put(blobs, WHOLE) for _ in range(8)))
    for name in written:
        assert await get(blobs, name) == WHOLE


@pytest.mark.parametrize("name", ["0" * 64, "", ".", "../tmp/x", "a/b", "A" * 64, "\0", "0" * 10_000])
async def test_an_unknown_name_is_missing(blobs: BlobStore, name: str) -> None:
    with pytest.raises(BlobMissing):
        await get(blobs, name)


async def test_the_sweeper_finds_and_deletes_what_is_old_enough(blobs: BlobStore) -> None:
    name = await put(blobs, b"old")
    assert await names(blobs, time.time() - 60) == set()
    assert await names(blobs, time.time() + 60) == {name}
    assert not await blobs.delete(name, time.time() - 60), "it is too young"
    assert await get(blobs, name) == b"old"
    assert await blobs.delete(name, time.time() + 60)
    with pytest.raises(BlobMissing):
        await get(blobs, name)


async def test_deleting_twice_is_no_error(blobs: BlobStore) -> None:
    name = await put(blobs, b"once")
    for _ in range(2):
        assert await blobs.delete(name, time.time() + 60)


async def test_a_reader_finishes_what_is_deleted_meanwhile(blobs: BlobStore) -> None:
    name = await put(blobs, WHOLE)
    reader = blobs.read(name)
    first = await anext(reader)
    await blobs.delete(name, time.time() + 60)
    assert first + b"".join([piece async for piece in reader]) == WHOLE
