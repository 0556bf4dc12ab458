"""MPEG-2 transport stream (ISO/IEC 13818-1, here by its ITU-T H.222.0 sections): tables, PES and packets.

All times are in ticks of 90 kHz and wrap at 33 bits.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from oxbow.proto.errors import ProtocolError

PACKET_SIZE = 188
CLOCK_RATE = 90_000
CLOCK_MASK = (1 << 33) - 1

PAT_PID = 0
PMT_PID = 0x1000
VIDEO_PID = 0x100
AUDIO_PID = 0x101

STREAM_TYPE_MPEG1_AUDIO = 0x03
STREAM_TYPE_MPEG2_AUDIO = 0x04
STREAM_TYPE_PRIVATE = 0x06
STREAM_TYPE_AAC_ADTS = 0x0F
STREAM_TYPE_H264 = 0x1B
STREAM_TYPE_H265 = 0x24

STREAM_ID_VIDEO = 0xE0
STREAM_ID_AUDIO = 0xC0
STREAM_ID_PRIVATE = 0xBD

HEVC_DESCRIPTORS = b"\x05\x04HEVC"
"""A registration descriptor (2.6.8), which Apple's demuxer and older ones look for."""


def opus_descriptors(channels: int) -> bytes:
    """Registration and extension descriptors of Opus. Source: https://wiki.xiph.org/OpusTS"""
    return b"\x05\x04Opus\x7f\x02\x80" + bytes((channels,))


@dataclass(frozen=True, slots=True)
class ElementaryStream:
    """One entry of the program map."""

    pid: int
    stream_type: int
    stream_id: int
    descriptors: bytes = b""


def program_association(pmt_pid: int = PMT_PID) -> bytes:
    """The PAT's section (2.4.4.3): program 1, transport stream 1."""
    return _section(0x00, struct.pack(">HH", 1, 0xE000 | pmt_pid))


def program_map(streams: tuple[ElementaryStream, ...], pcr_pid: int) -> bytes:
    """The PMT's section of program 1 (2.4.4.8)."""
    entries = [
        struct.pack(">BHH", es.stream_type, 0xE000 | es.pid, 0xF000 | len(es.descriptors)) + es.descriptors
        for es in streams
    ]
    return _section(0x02, struct.pack(">HH", 0xE000 | pcr_pid, 0xF000) + b"".join(entries))


def _section(table_id: int, body: bytes) -> bytes:
    """A one-section table with id 1, version 0, and its CRC."""
    section = struct.pack(">BHHBBB", table_id, 0xB000 | (len(body) + 9), 1, 0xC1, 0, 0) + body
    return section + crc32(section).to_bytes(4, "big")


def crc32(data: bytes) -> int:
    """The CRC of annex A: polynomial 0x04C11DB7, most significant bit first, no final inversion."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7) & 0xFFFFFFFF if crc & 0x80000000 else crc << 1
    return crc


def pes_header(stream_id: int, size: int, pts: int, dts: int | None = None) -> bytes:
    """The header of a PES packet with `size` bytes of data (2.4.3.7); dts=None where it equals pts.

    A length that does not fit 16 bits is sent as 0, "not bounded", which only video may do.
    """
    stamps = _timestamp(2, pts) if dts is None else _timestamp(3, pts) + _timestamp(1, dts)
    length = size + 3 + len(stamps)
    if length > 0xFFFF:
        if stream_id != STREAM_ID_VIDEO:
            raise ProtocolError(f"{size} bytes do not fit an audio PES packet")
        length = 0
    flags = 0x80 if dts is None else 0xC0
    return struct.pack(">IHBBB", 0x100 | stream_id, length, 0x84, flags, len(stamps)) + stamps


def _timestamp(prefix: int, ticks: int) -> bytes:
    """33 bits in five bytes with marker bits between them."""
    high, middle, low = ticks >> 30 & 7, ticks >> 15 & 0x7FFF, ticks & 0x7FFF
    return (prefix << 36 | high << 33 | 1 << 32 | middle << 17 | 1 << 16 | low << 1 | 1).to_bytes(5, "big")


def pcr_field(ticks: int) -> bytes:
    """The six bytes of a program clock reference without its 27 MHz extension (2.4.3.5)."""
    return ((ticks & CLOCK_MASK) << 15 | 0x7E00).to_bytes(6, "big")


_CHUNK = 512
"""Packets that are cut per struct call; struct splits bytes several times faster than slicing does."""


@lru_cache(maxsize=_CHUNK + 1)
def _splitter(packets: int) -> struct.Struct:
    return struct.Struct("184s" * packets)


class Packetizer:
    """Cuts one PID's PES packets and sections into transport packets, counting continuity (2.4.3.3)."""

    __slots__ = ("_headers", "counter", "pid")

    def __init__(self, pid: int, counter: int = 0) -> None:
        self.pid = pid
        self.counter = counter & 15
        """The continuity counter of the next packet."""
        # A run of any chunk's length that starts at any counter is one slice of this list.
        self._headers = [struct.pack(">BHB", 0x47, pid, 0x10 | cc & 15) for cc in range(16 + _CHUNK)]

    def section(self, section: bytes) -> bytes:
        """One packet with a table's section, padded as 2.4.4 wants it."""
        if len(section) > PACKET_SIZE - 5:
            raise ProtocolError(f"table section of {len(section)} bytes does not fit one packet")
        head = struct.pack(">BHBB", 0x47, 0x4000 | self.pid, 0x10 | self._count(1), 0)
        return (head + section).ljust(PACKET_SIZE, b"\xff")

    def pes(self, pes: bytes, *, pcr: int | None = None, random_access: bool = False) -> bytes:
        """The packets of one PES packet; the first can carry a PCR and the random access indicator."""
        flags = (0x10 if pcr is not None else 0) | (0x40 if random_access else 0)
        field = b"" if not flags else bytes((flags,)) if pcr is None else bytes((flags,)) + pcr_field(pcr)
        first, at = self._edge(pes, 0, field, start=True)
        whole, rest = divmod(len(pes) - at, 184)
        parts = [first]
        while whole:
            count = min(whole, _CHUNK)
            parts += self._bulk(pes, at, count)
            at += count * 184
            whole -= count
        if rest:
            parts.append(self._edge(pes, at, b"", start=False)[0])
        return b"".join(parts)

    def _bulk(self, pes: bytes, at: int, count: int) -> list[bytes]:
        """Full packets without adaptation field, as alternating headers and payloads."""
        counter = self._count(count)
        parts = [b""] * (2 * count)
        parts[::2] = self._headers[counter : counter + count]
        parts[1::2] = _splitter(count).unpack_from(pes, at)
        return parts

    def _edge(self, pes: bytes, at: int, field: bytes, *, start: bool) -> tuple[bytes, int]:
        """A first or last packet, with adaptation field and stuffing as needed, and where the next begins."""
        room = 184 - (len(field) + 1 if field else 0)
        payload = pes[at : at + room]
        stuffing = room - len(payload)
        head = 0x47 << 24 | start << 22 | self.pid << 8 | self._count(1)
        if not field and not stuffing:
            return (head | 0x10).to_bytes(4, "big") + payload, at + room
        if not field and stuffing > 1:
            field, stuffing = b"\x00", stuffing - 2  # the length byte and a byte of flags come first
        elif not field:
            stuffing = 0  # the length byte alone fills the gap
        adaptation = bytes((len(field) + stuffing,)) + field + b"\xff" * stuffing
        return (head | 0x30).to_bytes(4, "big") + adaptation + payload, at + len(payload)

    def _count(self, packets: int) -> int:
        counter = self.counter
        self.counter = (counter + packets) & 15
        return counter
