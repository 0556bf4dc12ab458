"""The sequence parameter set of H.265 (ITU-T H.265, 7.3.2.2 and E.2.1): the picture's size and rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from oxbow.proto import nal
from oxbow.proto.bits import BitReader
from oxbow.proto.errors import ProtocolError

NAL_SPS = 33
MAX_DIMENSION = 16384

_EXTENDED_SAR = 255
_MAX_REFERENCE_SETS = 64
_MAX_REFERENCES = 16
_MAX_LONG_TERM = 32


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What a stream's SPS says about the picture."""

    width: int
    """Pixels after cropping."""
    height: int
    frame_rate: float | None
    """Pictures per second; None when the SPS does not tell."""


def parse_sps(unit: bytes) -> SequenceParameters:
    """Read a sequence parameter set, NAL header included."""
    if len(unit) < 3 or unit[0] >> 1 & 63 != NAL_SPS:
        raise ProtocolError("not an H.265 sequence parameter set")
    bits = BitReader(nal.unescape(unit[2:]))
    bits.u(4)  # sps_video_parameter_set_id
    sub_layers = bits.u(3)
    bits.u(1)  # sps_temporal_id_nesting_flag
    _skip_profile_tier_level(bits, sub_layers)
    bits.ue()  # sps_seq_parameter_set_id
    width, height = _size(bits)
    return SequenceParameters(width, height, _frame_rate(bits, sub_layers))


def _skip_profile_tier_level(bits: BitReader, sub_layers: int) -> None:
    bits.u(96)  # general profile, tier, constraints and level
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.u(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)


def _size(bits: BitReader) -> tuple[int, int]:
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


def _frame_rate(bits: BitReader, sub_layers: int) -> float | None:
    """The VUI's, which is behind everything else. The size is right even where that makes no sense."""
    try:
        _skip_coding_tools(bits, sub_layers)
        return _vui_frame_rate(bits) if bits.flag() else None
    except ProtocolError:
        return None


def _skip_coding_tools(bits: BitReader, sub_layers: int) -> None:
    """All between the conformance window and vui_parameters_present_flag."""
    bits.ue()  # bit_depth_luma_minus8
    bits.ue()  # bit_depth_chroma_minus8
    count_bits = bits.ue() + 4  # log2_max_pic_order_cnt_lsb_minus4
    for _ in range(sub_layers + 1 if bits.flag() else 1):
        _skip_codes(bits, 3)  # sps_max_dec_pic_buffering_minus1 and the two behind it
    _skip_codes(bits, 6)  # sizes of coding and transform blocks, transform hierarchy
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.u(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag():
        bits.u(8)  # PCM bit depths
        _skip_codes(bits, 2)  # sizes of PCM blocks
        bits.u(1)  # pcm_loop_filter_disabled_flag
    _skip_reference_sets(bits)
    if bits.flag():
        for _ in range(_at_most(bits.ue(), _MAX_LONG_TERM)):
            bits.u(count_bits + 1)  # lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag
    bits.u(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag


def _skip_codes(bits: BitReader, count: int) -> None:
    for _ in range(count):
        bits.ue()


def _at_most(value: int, limit: int) -> int:
    if value > limit:
        raise ProtocolError(f"H.265 parameter set counts to {value} where {limit} is the most")
    return value


def _skip_scaling_lists(bits: BitReader) -> None:
    """scaling_list_data, 7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.ue()  # scaling_list_pred_matrix_id_delta
                continue
            if size > 1:
                bits.se()  # scaling_list_dc_coef_minus8
            for _ in range(min(64, 16 << 2 * size)):
                bits.se()


class _References(NamedTuple):
    """One short-term reference picture set: distances to pictures before and behind, the nearest first."""

    before: list[int]
    behind: list[int]


def _skip_reference_sets(bits: BitReader) -> None:
    """st_ref_pic_set, 7.3.7. How long one is depends on the one before it, so that each must be read."""
    last: _References | None = None
    for _ in range(_at_most(bits.ue(), _MAX_REFERENCE_SETS)):
        predicted = last is not None and bits.flag()
        last = _predicted(bits, last) if predicted and last is not None else _explicit(bits)


def _explicit(bits: BitReader) -> _References:
    counts = _at_most(bits.ue(), _MAX_REFERENCES), _at_most(bits.ue(), _MAX_REFERENCES)
    lists: list[list[int]] = []
    for count, sign in zip(counts, (-1, 1), strict=True):
        distance, distances = 0, []
        for _ in range(count):
            distance += sign * (bits.ue() + 1)
            bits.u(1)  # used_by_curr_pic_flag
            distances.append(distance)
        lists.append(distances)
    return _References(*lists)


def _predicted(bits: BitReader, reference: _References) -> _References:
    """Made from the set before it, all of whose distances are moved by one delta (7-61 and 7-62)."""
    sign = bits.u(1)
    delta = (1 - 2 * sign) * (bits.ue() + 1)
    distances = [*reference.before, *reference.behind, 0]
    moved = [distance + delta for distance in distances if bits.flag() or bits.flag()]
    before = sorted((distance for distance in moved if distance < 0), reverse=True)
    behind = sorted(distance for distance in moved if distance > 0)
    _at_most(len(moved), _MAX_REFERENCES + 1)
    return _References(before, behind)


def _vui_frame_rate(bits: BitReader) -> float | None:
    """The rate of vui_timing_info; a tick makes a picture."""
    if bits.flag() and bits.u(8) == _EXTENDED_SAR:
        bits.u(32)  # sar_width and sar_height
    if bits.flag():
        bits.u(1)  # overscan_appropriate_flag
    if bits.flag():
        bits.u(4)  # video_format and video_full_range_flag
        if bits.flag():
            bits.u(24)  # colour primaries, transfer characteristics, matrix coefficients
    if bits.flag():
        _skip_codes(bits, 2)  # chroma sample locations
    bits.u(3)  # neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
    if bits.flag():
        _skip_codes(bits, 4)  # default display window
    if not bits.flag():
        return None
    ticks, scale = bits.u(32), bits.u(32)
    return scale / ticks if ticks and scale else None
