"""A bit reader for codec headers: fixed fields and Exp-Golomb codes (ITU-T H.264, 9.1)."""

from __future__ import annotations

from oxbow.proto.errors import ProtocolError

MAX_HEADER_SIZE = 4096
"""Bytes of a header that are looked at; a real parameter set has less than 200."""

_MAX_GOLOMB_ZEROS = 32


class BitReader:
    """Reads big-endian bit fields; raises ProtocolError where the data ends."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        data = data[:MAX_HEADER_SIZE]
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    @property
    def left(self) -> int:
        """Bits not read yet."""
        return self._left

    def u(self, bits: int) -> int:
        """The next `bits` bits as an unsigned integer."""
        self._left -= bits
        if self._left < 0:
            raise ProtocolError("codec header is truncated")
        return (self._value >> self._left) & ((1 << bits) - 1)

    def flag(self) -> bool:
        return self.u(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb code."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MAX_GOLOMB_ZEROS:
                raise ProtocolError("codec header holds an Exp-Golomb code of more than 32 bits")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
