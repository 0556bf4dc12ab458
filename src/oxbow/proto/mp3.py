"""The header of an MPEG audio frame (ISO/IEC 11172-3, 2.4.1.3), as far as muxing needs it."""

from __future__ import annotations

from dataclasses import dataclass

from oxbow.proto.errors import ProtocolError

_RATES = (44100, 48000, 32000)
_SAMPLES = {3: (384, 1152, 1152), 2: (384, 1152, 576)}  # of layers I, II and III


@dataclass(frozen=True, slots=True)
class Mp3Header:
    """What one frame header says."""

    mpeg1: bool
    layer: int
    sample_rate: int
    """Hz."""
    channels: int
    samples_per_frame: int


def parse_header(data: bytes) -> Mp3Header:
    """Read the four bytes a frame starts with."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        raise ProtocolError("not an MPEG audio frame")
    version, layer_code, rate_index = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 2 & 3
    if version == 1 or layer_code == 0 or rate_index == 3:
        raise ProtocolError("MPEG audio frame has a reserved version, layer or sample rate")
    layer = 4 - layer_code
    return Mp3Header(
        mpeg1=version == 3,
        layer=layer,
        sample_rate=_RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version],
        channels=1 if data[3] >> 6 == 3 else 2,
        samples_per_frame=_SAMPLES[3 if version == 3 else 2][layer - 1],
    )
