"""Blobs in a directory: what a crash, a full disk and a race leave behind."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from oxbow.kernel.blobs import BlobsFull, LocalBlobs


@pytest.fixture
async def blobs(tmp_path: Path) -> LocalBlobs:
    store = LocalBlobs(tmp_path, fsync=False)
    await store.open()
    return store


async def put(blobs: LocalBlobs, data: bytes) -> str:
    async with blobs.writer() as writer:
        await writer.write(data)
        return (await writer.commit()).name


async def test_equal_bytes_are_one_file(blobs: LocalBlobs) -> None:
    first, second = await put(blobs, b"same"), await put(blobs, b"same")
    assert first == second
    assert blobs.path(first).read_bytes() == b"same"


async def test_bytes_written_again_are_young_again(blobs: LocalBlobs) -> None:
    name = await put(blobs, b"same")
    os.utime(blobs.path(name), (0, 0))
    await put(blobs, b"same")
    assert not await blobs.delete(name, time.time() - 60)
    assert blobs.path(name).read_bytes() == b"same"


async def test_files_left_half_written_are_cleared_away_once_they_are_old(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    await blobs.open()
    old, young = tmp_path / "tmp/old", tmp_path / "tmp/young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    await blobs.open()
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["young"]


async def test_a_full_disk_is_told_and_nothing_is_kept(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(BlobsFull):
        async with blobs.writer() as writer:
            await writer.write(b"x")
            await writer.commit()
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
