"""Digests of bytes on their way, beside the etag."""

from __future__ import annotations

import zlib


class Crc32:
    """CRC-32 as a digest."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, data: bytes | bytearray, /) -> None:
        """The next bytes."""
        self.value = zlib.crc32(data, self.value)
