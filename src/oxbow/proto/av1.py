"""AV1 headers: configuration record (AV1 in ISOBMFF, 2.3.3) and sequence header (AV1 bitstream, 5.5)."""

from __future__ import annotations

from dataclasses import dataclass

from oxbow.proto.bits import BitReader
from oxbow.proto.errors import ProtocolError

PROFILES = ("Main", "High", "Professional")
"""AV1 bitstream, annex A.2."""

_NO_LEVEL = 31
_OBU_SEQUENCE_HEADER = 1
_MAX_LEB128_SIZE = 8


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What a sequence header says about the picture."""

    width: int
    """The largest, in pixels."""
    height: int
    frame_rate: float | None
    """Pictures per second; None where they come at no fixed rate, or the header doesn't tell."""


@dataclass(frozen=True, slots=True)
class Av1Config:
    """An AV1CodecConfigurationRecord."""

    profile: int
    level: int
    tier: int
    """0 is Main, 1 is High."""
    bit_depth: int
    obus: bytes
    """The configuration's OBUs; the sequence header is among them, or nothing is."""

    @property
    def codec(self) -> str:
        """The codec string of AV1 in ISOBMFF, section 5, such as av01.0.04M.08."""
        return f"av01.{self.profile}.{self.level:02d}{'MH'[self.tier]}.{self.bit_depth:02d}"

    @property
    def profile_name(self) -> str:
        """Main, High or Professional; empty for one that is not known."""
        return PROFILES[self.profile] if self.profile < len(PROFILES) else ""

    @property
    def level_name(self) -> str:
        """As in annex A.3, such as 4.0; empty where a stream keeps to none."""
        return "" if self.level == _NO_LEVEL else f"{2 + (self.level >> 2)}.{self.level & 3}"

    @property
    def parameters(self) -> SequenceParameters | None:
        """None when the record holds no sequence header."""
        header = _sequence_header(self.obus)
        return None if header is None else parse_sequence(header)


def parse_config(data: bytes) -> Av1Config:
    """Read the record an enhanced FLV or an MP4 carries as its AV1 sequence header."""
    if len(data) < 4:
        raise ProtocolError(f"AV1 configuration of {len(data)} bytes is truncated")
    if data[0] != 0x81:
        raise ProtocolError(f"AV1 configuration starts with {data[0]:#04x} instead of 0x81")
    high_bit_depth, twelve_bit = data[2] >> 6 & 1, data[2] >> 5 & 1
    return Av1Config(
        profile=data[1] >> 5,
        level=data[1] & 31,
        tier=data[2] >> 7,
        bit_depth=8 + 2 * high_bit_depth + 2 * (high_bit_depth & twelve_bit),
        obus=data[4:],
    )


def _sequence_header(obus: bytes) -> bytes | None:
    """The payload of the first sequence header OBU."""
    at = 0
    while at < len(obus):
        header = obus[at]
        at += 2 if header & 4 else 1  # an extension byte follows where obu_extension_flag is set
        size = len(obus) - at
        if header & 2:
            size, at = _leb128(obus, at)
        if at + size > len(obus) or size < 0:
            raise ProtocolError("AV1 configuration has a truncated OBU")
        if header >> 3 & 15 == _OBU_SEQUENCE_HEADER:
            return obus[at : at + size]
        at += size
    return None


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[at : at + _MAX_LEB128_SIZE]):
        value |= (byte & 127) << (7 * index)
        if not byte & 128:
            return value, at + index + 1
    raise ProtocolError("AV1 configuration has a truncated length")


def parse_sequence(header: bytes) -> SequenceParameters:
    """Read a sequence header OBU's payload."""
    bits = BitReader(header)
    bits.u(4)  # seq_profile and still_picture
    frame_rate = None
    if bits.flag():  # reduced_still_picture_header
        bits.u(5)
    else:
        delay_bits = None
        if bits.flag():  # timing_info_present_flag
            frame_rate = _frame_rate(bits)
            if bits.flag():  # decoder_model_info_present_flag
                delay_bits = bits.u(5) + 1
                bits.u(42)
        _skip_operating_points(bits, delay_bits)
    width_bits, height_bits = bits.u(4) + 1, bits.u(4) + 1
    return SequenceParameters(bits.u(width_bits) + 1, bits.u(height_bits) + 1, frame_rate)


def _frame_rate(bits: BitReader) -> float | None:
    """timing_info, 5.5.3."""
    ticks, scale = bits.u(32), bits.u(32)
    if not bits.flag():  # equal_picture_interval
        return None
    ticks *= bits.ue() + 1  # uvlc() has the bits of an Exp-Golomb code
    return scale / ticks if ticks and scale else None


def _skip_operating_points(bits: BitReader, delay_bits: int | None) -> None:
    display_delay = bits.flag()
    for _ in range(bits.u(5) + 1):
        bits.u(12)  # operating_point_idc
        if bits.u(5) > 7:  # seq_level_idx; from 8 (level 4.0) on a tier follows
            bits.u(1)
        if delay_bits is not None and bits.flag():
            bits.u(2 * delay_bits + 1)
        if display_delay and bits.flag():
            bits.u(4)
