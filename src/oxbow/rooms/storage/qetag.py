"""The dialect's etag of an object's bytes: https://developer.qiniu.com/kodo/1231/appendix."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

BLOCK = 4 << 20
"""Bytes of a block; each has its SHA-1."""
_ONE, _MANY, _PARTS = b"\x16", b"\x96", b"\x9e"


class QEtag:
    """Takes the bytes in pieces of any size.

    >>> etag = QEtag()
    >>> etag.update(b"")
    >>> str(etag)
    'Fto5o-5ea0sNMlW_75VgGJCv2AcJ'
    """

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._block = hashlib.sha1(usedforsecurity=False)
        self._room = BLOCK

    def update(self, data: bytes | bytearray, /) -> None:
        """The next bytes."""
        view = memoryview(data)
        while view:
            piece = view[: self._room]
            self._block.update(piece)
            self._room -= len(piece)
            view = view[len(piece) :]
            if not self._room:
                self._blocks.append(self._block.digest())
                self._block = hashlib.sha1(usedforsecurity=False)
                self._room = BLOCK

    @property
    def blocks(self) -> list[bytes]:
        """The SHA-1 of each block, the last of which may be short."""
        return (
            [*self._blocks, self._block.digest()] if self._room < BLOCK or not self._blocks else self._blocks
        )

    def __str__(self) -> str:
        return qetag_of_blocks(self.blocks)


def qetag_of_blocks(blocks: Iterable[bytes]) -> str:
    """The etag of bytes whose blocks have these SHA-1 digests."""
    digests = list(blocks)
    if len(digests) == 1:
        return base64.urlsafe_b64encode(_ONE + digests[0]).decode()
    return base64.urlsafe_b64encode(_MANY + hashlib.sha1(b"".join(digests)).digest()).decode()


def etag_of_parts(parts: Sequence[tuple[str, int]]) -> str:
    """The etag of an object that was uploaded in parts: (etag, bytes) of each, in their order.

    As the official Java SDK's `EtagV2` works it out: where each part is one block this is the etag of the
    bytes, otherwise it depends on how they were parted.
    """
    digests = [base64.urlsafe_b64decode(etag)[1:] for etag, _ in parts]
    sizes = [size for _, size in parts]
    if all(size == BLOCK for size in sizes[:-1]) and sizes[-1] <= BLOCK:
        return qetag_of_blocks(digests)
    return base64.urlsafe_b64encode(_PARTS + hashlib.sha1(b"".join(digests)).digest()).decode()
