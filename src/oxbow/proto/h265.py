"""H.265: decoder configuration (ISO/IEC 14496-15, 8.3.3.1), SPS (ITU-T H.265, 7.3.2.2) and Annex B."""

from __future__ import annotations

from dataclasses import dataclass

from oxbow.proto import nal
from oxbow.proto.bits import BitReader
from oxbow.proto.errors import ProtocolError

NAL_VPS = 32
NAL_SPS = 33
NAL_PPS = 34
NAL_AUD = 35

ACCESS_UNIT_DELIMITER = b"\x46\x01\x50"
"""pic_type 2: any slice may follow."""

MAX_DIMENSION = 16384

_FIXED_SIZE = 23  # bytes of the record before its arrays of parameter sets
_PARAMETER_SETS = frozenset({NAL_VPS, NAL_SPS, NAL_PPS})


@dataclass(frozen=True, slots=True)
class HevcConfig:
    """An HEVCDecoderConfigurationRecord."""

    profile_space: int
    tier: int
    """0 is Main, 1 is High."""
    profile: int
    compatibility: int
    """The 32 general_profile_compatibility_flags, first flag in the highest bit."""
    constraints: bytes
    """The six bytes of constraint flags."""
    level: int
    """30 times the level number."""
    length_size: int
    vps: tuple[bytes, ...]
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    @property
    def codec(self) -> str:
        """The codec string of ISO/IEC 14496-15 annex E, such as hvc1.1.6.L93.B0."""
        space = ("", "A", "B", "C")[self.profile_space]
        reversed_flags = int(f"{self.compatibility:032b}"[::-1], 2)
        constraints = "".join(f".{byte:X}" for byte in self.constraints.rstrip(b"\x00"))
        return f"hvc1.{space}{self.profile}.{reversed_flags:X}.{'LH'[self.tier]}{self.level}{constraints}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return parse_size(self.sps[0])


def parse_config(data: bytes) -> HevcConfig:
    """Read the record an enhanced FLV or an MP4 carries as its HEVC sequence header."""
    if len(data) < _FIXED_SIZE:
        raise ProtocolError(f"HEVC configuration of {len(data)} bytes is truncated")
    if len(data) > nal.MAX_CONFIG_SIZE:
        raise ProtocolError(f"HEVC configuration of {len(data)} bytes is absurd")
    if data[0] != 1:
        raise ProtocolError(f"HEVC configuration version {data[0]} is unknown")
    length_size = (data[21] & 3) + 1
    if length_size == 3:
        raise ProtocolError("HEVC configuration asks for three-byte lengths, which do not exist")
    sets = _parameter_sets(data, arrays=data[22])
    return HevcConfig(
        profile_space=data[1] >> 6,
        tier=data[1] >> 5 & 1,
        profile=data[1] & 31,
        compatibility=int.from_bytes(data[2:6], "big"),
        constraints=data[6:12],
        level=data[12],
        length_size=length_size,
        vps=tuple(sets[NAL_VPS]),
        sps=tuple(sets[NAL_SPS]),
        pps=tuple(sets[NAL_PPS]),
    )


def _parameter_sets(data: bytes, arrays: int) -> dict[int, list[bytes]]:
    sets: dict[int, list[bytes]] = {NAL_VPS: [], NAL_SPS: [], NAL_PPS: []}
    at = _FIXED_SIZE
    for _ in range(arrays):
        if at + 3 > len(data):
            raise ProtocolError("HEVC configuration has a truncated array of parameter sets")
        kind, count = data[at] & 63, int.from_bytes(data[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            body = at + 2
            at = body + int.from_bytes(data[at:body], "big")
            if at > len(data) or at == body:
                raise ProtocolError("HEVC configuration has a truncated or empty parameter set")
            sets.setdefault(kind, []).append(data[body:at])
    if not sets[NAL_SPS] or not sets[NAL_PPS]:
        raise ProtocolError("HEVC configuration has no SPS or PPS")
    return sets


def parse_size(unit: bytes) -> tuple[int, int]:
    """Width and height in pixels, cropped, of a sequence parameter set, NAL header included."""
    if len(unit) < 3 or unit[0] >> 1 & 63 != NAL_SPS:
        raise ProtocolError("not an H.265 sequence parameter set")
    bits = BitReader(nal.unescape(unit[2:]))
    bits.u(4)  # sps_video_parameter_set_id
    sub_layers = bits.u(3)
    bits.u(1)  # sps_temporal_id_nesting_flag
    _skip_profile_tier_level(bits, sub_layers)
    bits.ue()  # sps_seq_parameter_set_id
    chroma = bits.ue()
    if chroma == 3 and bits.flag():
        chroma = 0
    width, height = bits.ue(), bits.ue()
    if bits.flag():
        left, right, top, bottom = (bits.ue() for _ in range(4))
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1)
    if not (0 < width <= MAX_DIMENSION and 0 < height <= MAX_DIMENSION):
        raise ProtocolError(f"H.265 picture of {width}x{height} pixels is absurd")
    return width, height


def _skip_profile_tier_level(bits: BitReader, sub_layers: int) -> None:
    bits.u(96)  # general profile, tier, constraints and level
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.u(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)


def access_unit(config: HevcConfig, data: bytes, *, keyframe: bool, start: int = 0) -> bytes:
    """One frame in Annex B form, as oxbow.proto.h264.access_unit does it."""
    units = nal.split(data, config.length_size, start)
    kinds = [unit[0] >> 1 & 63 for unit in units]
    if NAL_AUD in kinds:
        units = [unit for unit, kind in zip(units, kinds, strict=True) if kind != NAL_AUD]
    if keyframe and not _PARAMETER_SETS.issubset(kinds):
        return nal.annex_b([ACCESS_UNIT_DELIMITER, *config.vps, *config.sps, *config.pps, *units])
    return nal.annex_b([ACCESS_UNIT_DELIMITER, *units])
