"""Blobs in a directory: each a file named by the SHA-256 of its bytes, so that equal bytes are kept once."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from oxbow.kernel.blobs.interface import Blob, BlobMissing, BlobsFull, Digest

BATCH = 1 << 20
"""Bytes that are hashed and written in one go by a thread: few hand-overs, and little memory per upload."""
PIECE = 1 << 18
"""Bytes of one piece when a blob is read."""
STALE_SECONDS = 24 * 3600.0
"""A file half written is cleared away when nobody has written to it for so long."""

_NAME = re.compile(r"[0-9a-f]{64}")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalBlobs:
    """A directory of blobs: `<root>/ab/abcd...` and, half written, `<root>/tmp/...`.

    :param fsync: whether `commit` waits for the disk, so that a power cut loses nothing; without it only the
        death of the process, even by kill -9, is survived.
    """

    def __init__(self, root: Path, *, fsync: bool = True) -> None:
        self._root = root
        self._tmp = root / "tmp"
        self._fsync = fsync

    async def open(self) -> None:
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        for directory in (self._root, self._tmp):  # `parents` would make the first one readable for others
            directory.mkdir(mode=0o700, exist_ok=True)
        for number in range(256):
            (self._root / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        for left in self._tmp.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - STALE_SECONDS:
                    left.unlink()

    async def close(self) -> None:
        """Nothing is held."""

    def writer(self, *digests: Digest) -> LocalWriter:
        return LocalWriter(self._tmp / secrets.token_hex(16), self, digests, self._fsync)

    def path(self, name: str) -> Path:
        """Where the blob is, or would be; BlobMissing for what is no name of a blob."""
        if _NAME.fullmatch(name) is None:
            raise BlobMissing(name)
        return self._root / name[:2] / name

    async def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        try:
            fd = await asyncio.to_thread(os.open, self.path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobMissing(name) from None
        try:
            while end is None or start < end:
                size = PIECE if end is None else min(PIECE, end - start)
                piece = await asyncio.to_thread(os.pread, fd, size, start)
                if not piece:
                    return
                start += len(piece)
                yield piece
        finally:
            os.close(fd)

    async def delete(self, name: str, before: float) -> bool:
        return await asyncio.to_thread(self._delete, self.path(name), before)

    def _delete(self, path: Path, before: float) -> bool:
        # Taken away first and looked at then: a writer that commits the same bytes in between puts a new file
        # in its place, and one that committed just before is recognised by the time and put back.
        aside = self._tmp / f"{path.name}.{secrets.token_hex(8)}"
        try:
            path.rename(aside)
        except FileNotFoundError:
            return True
        if aside.stat().st_mtime < before:
            aside.unlink()
            return True
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        aside.unlink()
        return False

    async def names(self, before: float) -> AsyncIterator[str]:
        for number in range(256):
            for name in await asyncio.to_thread(list, self._old(self._root / f"{number:02x}", before)):
                yield name

    def _old(self, directory: Path, before: float) -> Iterator[str]:
        with os.scandir(directory) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < before:
                        yield entry.name


class LocalWriter:
    """Writes under a name of its own, and renames: nobody ever sees half a blob."""

    def __init__(self, path: Path, store: LocalBlobs, digests: tuple[Digest, ...], fsync: bool) -> None:
        self._path = path
        self._store = store
        self._sha256 = hashlib.sha256()
        self._digests: tuple[Digest, ...] = (self._sha256, *digests)
        self._fsync = fsync
        self._fd = -1
        self._pending = bytearray()
        self.size = 0

    async def __aenter__(self) -> Self:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with _full_is_told():
            self._fd = await asyncio.to_thread(os.open, self._path, flags, 0o600)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def write(self, data: bytes) -> None:
        self._pending += data
        self.size += len(data)
        if len(self._pending) >= BATCH:
            await self._flush()

    async def commit(self) -> Blob:
        await self._flush()
        name = self._sha256.hexdigest()
        with _full_is_told():
            await asyncio.to_thread(self._keep, self._store.path(name))
        return Blob(name, self.size)

    async def _flush(self) -> None:
        batch, self._pending = self._pending, bytearray()
        if batch:
            with _full_is_told():
                await asyncio.to_thread(self._append, batch)

    def _append(self, batch: bytearray) -> None:
        for digest in self._digests:
            digest.update(batch)
        view = memoryview(batch)
        while view:
            view = view[os.write(self._fd, view) :]

    def _keep(self, path: Path) -> None:
        # Renamed over a file of the same bytes, if there is one: its time is then new, which tells the
        # sweeper that somebody is about to refer to it.
        if self._fsync:
            os.fdatasync(self._fd)
        os.close(self._fd)
        self._fd = -1
        try:
            self._path.replace(path)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        if self._fsync:
            _sync_directory(path.parent)


@contextlib.contextmanager
def _full_is_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise BlobsFull(error.errno, "no room for object bytes") from error
        raise


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
