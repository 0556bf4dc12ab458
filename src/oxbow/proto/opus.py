"""Opus: identification header (RFC 7845, 5.1), packet durations (RFC 6716, 3.1), its form in MPEG-TS."""

from __future__ import annotations

from dataclasses import dataclass

from oxbow.proto.errors import ProtocolError

SAMPLE_RATE = 48_000
"""Opus always decodes to 48 kHz; every duration here counts these samples."""

_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_SAMPLES_OF_CONFIG = _SILK * 3 + _HYBRID * 2 + _CELT * 4
_MAX_SAMPLES = 5760  # 120 ms, the longest packet there is


@dataclass(frozen=True, slots=True)
class OpusHead:
    """An identification header."""

    channels: int
    pre_skip: int
    """Samples at 48 kHz to drop at the start."""
    mapping_family: int


def parse_head(data: bytes) -> OpusHead:
    """Read an OpusHead, the sequence header of Opus in enhanced RTMP."""
    if len(data) < 19 or data[:8] != b"OpusHead":
        raise ProtocolError("not an Opus identification header")
    if data[8] & 0xF0 or not data[9]:
        raise ProtocolError("Opus identification header has an unknown version or no channels")
    return OpusHead(data[9], int.from_bytes(data[10:12], "little"), data[18])


def samples(packet: bytes) -> int:
    """How many samples at 48 kHz a packet holds."""
    if not packet:
        raise ProtocolError("Opus packet is empty")
    frames = (1, 2, 2)[packet[0] & 3] if packet[0] & 3 < 3 else _frame_count(packet)
    total = _SAMPLES_OF_CONFIG[packet[0] >> 3] * frames
    if not 0 < total <= _MAX_SAMPLES:
        raise ProtocolError("Opus packet has no frames or lasts longer than 120 ms")
    return total


def _frame_count(packet: bytes) -> int:
    if len(packet) < 2:
        raise ProtocolError("Opus packet is truncated")
    return packet[1] & 63


def ts_access_unit(packet: bytes) -> bytes:
    """The packet behind the control header that delimits it in MPEG-TS (opus_control_header).

    Source: "Opus in MPEG-TS", https://wiki.xiph.org/OpusTS
    """
    return b"\x7f\xe0" + b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,)) + packet
