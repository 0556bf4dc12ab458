"""What every backend of object bytes does; one contract suite runs on all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that are kept, and never change.

    Whoever refers to a blob keeps its name. What nobody refers to is deleted by a sweeper, which knows the
    references; until then writing the same bytes again is always safe.
    """

    name: str
    """What the store calls it: printable ASCII without a slash. Equal bytes may share a name."""
    size: int
    """Bytes."""


class BlobMissing(LookupError):  # noqa: N818 - said of a blob
    """There is no blob of that name."""


class BlobsFull(OSError):  # noqa: N818 - said of the store
    """There is no room for the bytes; nothing of them is kept."""


class Digest(Protocol):
    """Something that wants to see the bytes on their way, such as a hash."""

    def update(self, data: bytes | bytearray, /) -> object:
        """Take the next bytes; called from a thread, one call at a time."""


class BlobWriter(Protocol):
    """A blob that is being written. Leaving the block without `commit` leaves nothing behind."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def size(self) -> int:
        """Bytes written so far."""

    async def write(self, data: bytes) -> None:
        """Append; BlobsFull, or OSError when the store is away."""

    async def commit(self) -> Blob:
        """Keep what was written: once this returns it survives whatever the store promises to survive."""


class BlobStore(Protocol):
    """Where object bytes are kept."""

    async def open(self) -> None:
        """Get ready, and clear away what a killed process left half written; OSError."""

    async def close(self) -> None:
        """Let go of what is held."""

    def writer(self, *digests: Digest) -> BlobWriter:
        """Begin a blob; each digest sees its bytes."""

    def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`, in pieces of bounded size; BlobMissing."""

    def path(self, name: str) -> Path | None:
        """The file that holds the blob and nothing else, for `sendfile`; None where there is none."""

    async def delete(self, name: str, before: float) -> bool:
        """Delete a blob, unless it was written (again) at `before` (Unix seconds) or later; whether it is
        gone."""

    def names(self, before: float) -> AsyncIterator[str]:
        """Every blob that was last written before that moment (Unix seconds), for the sweeper."""
