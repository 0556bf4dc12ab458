"""H.265: decoder configuration (ISO/IEC 14496-15, 8.3.3.1) and Annex B."""

from __future__ import annotations

from dataclasses import dataclass

from oxbow.proto import nal
from oxbow.proto.errors import ProtocolError
from oxbow.proto.h265_sps import NAL_SPS, SequenceParameters, parse_sps

NAL_VPS = 32
NAL_PPS = 34
NAL_AUD = 35

ACCESS_UNIT_DELIMITER = b"\x46\x01\x50"
"""pic_type 2: any slice may follow."""

PROFILES = {
    1: "Main",
    2: "Main 10",
    3: "Main Still Picture",
    4: "Range Extensions",
    9: "Screen Content",
}
"""Annex A.3, by general_profile_idc."""

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
    def profile_name(self) -> str:
        """As in annex A.3, such as Main 10; empty for one that is not known."""
        return PROFILES.get(self.profile, "")

    @property
    def level_name(self) -> str:
        """As in annex A.4, such as 4.1."""
        return f"{self.level // 30}.{self.level % 30 // 3}"

    @property
    def parameters(self) -> SequenceParameters:
        return parse_sps(self.sps[0])


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


def access_unit(config: HevcConfig, data: bytes, *, keyframe: bool, start: int = 0) -> bytes:
    """One frame in Annex B form, as oxbow.proto.h264.access_unit does it."""
    units = nal.split(data, config.length_size, start)
    kinds = [unit[0] >> 1 & 63 for unit in units]
    if NAL_AUD in kinds:
        units = [unit for unit, kind in zip(units, kinds, strict=True) if kind != NAL_AUD]
    if keyframe and not _PARAMETER_SETS.issubset(kinds):
        return nal.annex_b([ACCESS_UNIT_DELIMITER, *config.vps, *config.sps, *config.pps, *units])
    return nal.annex_b([ACCESS_UNIT_DELIMITER, *units])
