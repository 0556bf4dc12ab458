"""What H.264 and H.265 share: NAL units with length prefixes (ISO/IEC 14496-15) and Annex B start codes."""

from __future__ import annotations

from oxbow.proto.errors import ProtocolError

START_CODE = b"\x00\x00\x00\x01"

MAX_NALS_PER_FRAME = 1024
"""More units than any encoder makes; a frame of empty units must not cost unbounded time."""

MAX_CONFIG_SIZE = 1 << 16
"""Bytes of a decoder configuration record; its parameter sets are repeated at each keyframe."""


def split(data: bytes, length_size: int, start: int = 0) -> list[bytes]:
    """The NAL units of a frame, each behind a length of `length_size` bytes; empty ones are left out."""
    units: list[bytes] = []
    end = len(data)
    left = MAX_NALS_PER_FRAME
    while start < end:
        left -= 1
        if left < 0:
            raise ProtocolError(f"frame has more than {MAX_NALS_PER_FRAME} NAL units")
        body = start + length_size
        size = int.from_bytes(data[start:body], "big")
        start = body + size
        if start > end:
            raise ProtocolError(f"NAL unit of {size} bytes at offset {body} exceeds the frame of {end} bytes")
        if size:
            units.append(data[body:start])
    return units


def annex_b(units: list[bytes] | tuple[bytes, ...]) -> bytes:
    """The units behind four-byte start codes."""
    return START_CODE + START_CODE.join(units) if units else b""


def unescape(nal: bytes) -> bytes:
    """The raw payload: without the emulation prevention byte of each 00 00 03 (H.264, 7.4.1)."""
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")
