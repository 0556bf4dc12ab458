"""H.264: decoder configuration (ISO/IEC 14496-15, 5.3.3.1), SPS (ITU-T H.264, 7.3.2.1) and Annex B."""

from __future__ import annotations

from dataclasses import dataclass

from oxbow.proto import nal
from oxbow.proto.bits import BitReader
from oxbow.proto.errors import ProtocolError

NAL_SPS = 7
NAL_PPS = 8
NAL_AUD = 9

ACCESS_UNIT_DELIMITER = b"\x09\xf0"
"""Primary picture type 7: any slice may follow."""

MAX_DIMENSION = 16384

PROFILES = {
    66: "Baseline",
    77: "Main",
    88: "Extended",
    100: "High",
    110: "High 10",
    122: "High 4:2:2",
    244: "High 4:4:4 Predictive",
    44: "CAVLC 4:4:4 Intra",
}
"""Annex A.2."""

_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_EXTENDED_SAR = 255


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What a stream's SPS says about the picture."""

    profile: int
    constraints: int
    level: int
    width: int
    """Pixels after cropping."""
    height: int
    frame_rate: float | None
    """Frames per second; None when the SPS does not tell."""

    @property
    def codec(self) -> str:
        """The RFC 6381 codec string, such as avc1.64001f."""
        return f"avc1.{self.profile:02x}{self.constraints:02x}{self.level:02x}"

    @property
    def profile_name(self) -> str:
        """As in annex A.2, such as High; empty for one that is not known."""
        if self.profile == 66 and self.constraints & 0x40:
            return "Constrained Baseline"
        return PROFILES.get(self.profile, "")

    @property
    def level_name(self) -> str:
        """As in annex A.3, such as 3.1."""
        marked_1b = self.level == 11 and self.profile in (66, 77, 88) and self.constraints & 0x10
        return "1b" if self.level == 9 or marked_1b else f"{self.level // 10}.{self.level % 10}"


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """An AVCDecoderConfigurationRecord."""

    length_size: int
    """Bytes of each NAL unit's length prefix: 1, 2 or 4."""
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    @property
    def parameters(self) -> SequenceParameters:
        return parse_sps(self.sps[0])


def parse_config(data: bytes) -> AvcConfig:
    """Read the record an FLV or MP4 carries as its AVC sequence header."""
    if len(data) < 7:
        raise ProtocolError(f"AVC configuration of {len(data)} bytes is truncated")
    if len(data) > nal.MAX_CONFIG_SIZE:
        raise ProtocolError(f"AVC configuration of {len(data)} bytes is absurd")
    if data[0] != 1:
        raise ProtocolError(f"AVC configuration version {data[0]} is unknown")
    length_size = (data[4] & 3) + 1
    if length_size == 3:
        raise ProtocolError("AVC configuration asks for three-byte lengths, which do not exist")
    sps, at = _parameter_sets(data, 6, data[5] & 31)
    if not sps or at >= len(data):
        raise ProtocolError("AVC configuration has no SPS or PPS")
    pps, _ = _parameter_sets(data, at + 1, data[at])
    return AvcConfig(length_size, sps, pps)


def _parameter_sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    sets: list[bytes] = []
    for _ in range(count):
        body = at + 2
        at = body + int.from_bytes(data[at:body], "big")
        if at > len(data) or at == body:
            raise ProtocolError("AVC configuration has a truncated or empty parameter set")
        sets.append(data[body:at])
    return tuple(sets), at


def parse_sps(unit: bytes) -> SequenceParameters:
    """Read a sequence parameter set, NAL header included."""
    if len(unit) < 4 or unit[0] & 31 != NAL_SPS:
        raise ProtocolError("not an H.264 sequence parameter set")
    profile, constraints, level = unit[1:4]
    bits = BitReader(nal.unescape(unit[4:]))
    bits.ue()  # seq_parameter_set_id
    chroma = _chroma_format(bits) if profile in _HIGH_PROFILES else 1
    _skip_picture_order(bits)
    bits.ue()  # max_num_ref_frames
    bits.u(1)  # gaps_in_frame_num_value_allowed_flag
    width, height = _size(bits, chroma)
    frame_rate = _frame_rate(bits)
    return SequenceParameters(profile, constraints, level, width, height, frame_rate)


def _chroma_format(bits: BitReader) -> int:
    """The ChromaArrayType; steps over bit depths and scaling matrices."""
    chroma = bits.ue()
    separate_planes = chroma == 3 and bits.flag()
    bits.ue()  # bit_depth_luma_minus8
    bits.ue()  # bit_depth_chroma_minus8
    bits.u(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return 0 if separate_planes else chroma


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_picture_order(bits: BitReader) -> None:
    bits.ue()  # log2_max_frame_num_minus4
    kind = bits.ue()
    if kind == 0:
        bits.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.u(1)  # delta_pic_order_always_zero_flag
        bits.se()  # offset_for_non_ref_pic
        bits.se()  # offset_for_top_to_bottom_field
        for _ in range(min(bits.ue(), 255)):
            bits.se()  # offset_for_ref_frame


def _size(bits: BitReader, chroma: int) -> tuple[int, int]:
    """Width and height in pixels, cropped (7.4.2.1.1, frame_cropping_flag)."""
    width = (bits.ue() + 1) * 16
    map_units = bits.ue() + 1
    fields = 2 - bits.u(1)  # 2 where a frame is coded as fields (frame_mbs_only_flag is 0)
    height = map_units * 16 * fields
    if fields == 2:
        bits.u(1)  # mb_adaptive_frame_field_flag
    bits.u(1)  # direct_8x8_inference_flag
    if bits.flag():
        left, right, top, bottom = (bits.ue() for _ in range(4))
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1) * fields
    if not (0 < width <= MAX_DIMENSION and 0 < height <= MAX_DIMENSION):
        raise ProtocolError(f"H.264 picture of {width}x{height} pixels is absurd")
    return width, height


def _frame_rate(bits: BitReader) -> float | None:
    """The VUI's, if there is one. Some hardware encoders cut the VUI short; the size is right even then."""
    try:
        return _vui_frame_rate(bits) if bits.flag() else None
    except ProtocolError:
        return None


def _vui_frame_rate(bits: BitReader) -> float | None:
    """The rate of the VUI's timing_info (E.1.1); two ticks make a frame."""
    if bits.flag() and bits.u(8) == _EXTENDED_SAR:
        bits.u(32)  # sar_width and sar_height
    if bits.flag():
        bits.u(1)  # overscan_appropriate_flag
    if bits.flag():
        bits.u(4)  # video_format and video_full_range_flag
        if bits.flag():
            bits.u(24)  # colour primaries, transfer characteristics, matrix coefficients
    if bits.flag():
        bits.ue()  # chroma_sample_loc_type_top_field
        bits.ue()  # chroma_sample_loc_type_bottom_field
    if not bits.flag():
        return None
    ticks, scale = bits.u(32), bits.u(32)
    return scale / (2 * ticks) if ticks and scale else None


def access_unit(config: AvcConfig, data: bytes, *, keyframe: bool, start: int = 0) -> bytes:
    """One frame in Annex B form: access unit delimiter, parameter sets before a keyframe, the frame's units.

    `data[start:]` holds the units behind length prefixes. All that the encoder sent, SEI included, stays in
    order; an own delimiter is replaced, and parameter sets that come with the frame are not repeated.
    """
    units = nal.split(data, config.length_size, start)
    kinds = [unit[0] & 31 for unit in units]
    if NAL_AUD in kinds:
        units = [unit for unit, kind in zip(units, kinds, strict=True) if kind != NAL_AUD]
    if keyframe and not (NAL_SPS in kinds and NAL_PPS in kinds):
        return nal.annex_b([ACCESS_UNIT_DELIMITER, *config.sps, *config.pps, *units])
    return nal.annex_b([ACCESS_UNIT_DELIMITER, *units])
