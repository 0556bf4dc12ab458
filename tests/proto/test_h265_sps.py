"""The sequence parameter set of H.265; the real one is what libx265 wrote into an FLV file."""

from __future__ import annotations

import re

import pytest

from oxbow.proto.errors import ProtocolError
from oxbow.proto.h265_sps import SequenceParameters, parse_sps

MAIN = bytes.fromhex("42010101600000030090000003000003005da00280802d1d56595952930bc05a0200000300020000030032")
Fields = list[tuple[int, int]]


def ue(value: int) -> tuple[int, int]:
    """An Exp-Golomb code as a field: (bits, number)."""
    return 2 * (value + 1).bit_length() - 1, value + 1


def sps(*fields: tuple[int, int]) -> bytes:
    """A parameter set of these fields; behind its NAL header the general ones of 1280x720."""
    start: Fields = [(4, 0), (3, 0), (1, 1), (48, 0), (48, 0), ue(0), ue(1), ue(1280), ue(720), (1, 0)]
    text = "".join(f"{value:0{size}b}" for size, value in [*start, *fields, (1, 1)])
    size = -(-len(text) // 8)
    payload = int(text.ljust(size * 8, "0"), 2).to_bytes(size, "big")
    return b"\x42\x01" + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


DEPTHS: Fields = [ue(0), ue(0), ue(4)]
ORDERING: Fields = [(1, 1), ue(4), ue(2), ue(0)]
BLOCKS: Fields = [ue(0), ue(3), ue(0), ue(3), ue(0), ue(0)]
PLAIN: Fields = [*DEPTHS, *ORDERING, *BLOCKS]
NO_LISTS: Fields = [(1, 0)]
NO_PCM: Fields = [(2, 3), (1, 0)]
NO_REFERENCES: Fields = [ue(0)]
REST: Fields = [(1, 0), (2, 3)]
"""No long-term references; the last two flags before the VUI."""
VUI: Fields = [(1, 1), (1, 0), (1, 0), (1, 0), (1, 0), (3, 0), (1, 0), (1, 1), (32, 1001), (32, 60000)]
SIXTY = SequenceParameters(1280, 720, 60000 / 1001)


def test_an_encoders() -> None:
    assert parse_sps(MAIN) == SequenceParameters(1278, 718, 25.0)


def test_one_made_by_hand() -> None:
    assert parse_sps(sps(*PLAIN, *NO_LISTS, *NO_PCM, *NO_REFERENCES, *REST, *VUI)) == SIXTY


def test_without_a_vui_there_is_a_size_and_no_rate() -> None:
    unit = sps(*PLAIN, *NO_LISTS, *NO_PCM, *NO_REFERENCES, *REST, (1, 0))
    assert parse_sps(unit) == SequenceParameters(1280, 720, None)


def test_sub_layers_are_stepped_over() -> None:
    unit = bytearray(MAIN.replace(b"\x00\x00\x03", b"\x00\x00"))
    head, rest = unit[:2], unit[2:]
    general, after = rest[:13], rest[13:]
    general[0] |= 0b0010  # sps_max_sub_layers_minus1 = 1
    layer = b"\xc0\x00" + b"\x01" * 11 + b"\x5d"  # a profile and a level are there; reserved bits
    found = parse_sps(bytes(head + general + layer + after))
    assert (found.width, found.height) == (1278, 718)


def test_scaling_lists_are_stepped_over() -> None:
    copied: Fields = [(1, 0), ue(1)]
    lists: Fields = [(1, 1), (1, 1)]
    for size in range(4):
        for _ in range(1 if size == 3 else 5):
            lists += copied
        lists += [(1, 1), *([ue(3)] if size > 1 else []), *[ue(2)] * min(64, 16 << 2 * size)]
    assert parse_sps(sps(*PLAIN, *lists, *NO_PCM, *NO_REFERENCES, *REST, *VUI)) == SIXTY


def test_pcm_and_long_term_references_are_stepped_over() -> None:
    pcm: Fields = [(2, 3), (1, 1), (8, 0x77), ue(0), ue(2), (1, 1)]
    long_term: Fields = [(1, 1), ue(2), (9, 5), (9, 7), (2, 3)]
    assert parse_sps(sps(*PLAIN, *NO_LISTS, *pcm, *NO_REFERENCES, *long_term, *VUI)) == SIXTY


def test_reference_sets_made_from_the_one_before_are_stepped_over() -> None:
    explicit: Fields = [ue(2), ue(1), ue(0), (1, 1), ue(3), (1, 1), ue(0), (1, 1)]  # -1, -5, +1
    # Moved by -1 that is -2, -6 and the picture itself, which is none; -1 for the picture it was made from.
    by_minus_one: Fields = [(1, 1), (1, 1), ue(0), *[(1, 1)] * 4]
    # Three again, so four flags: the first may be a reference of others only, and the second is none at all.
    by_two: Fields = [(1, 1), (1, 0), ue(1), (2, 0b01), (2, 0b00), (1, 1), (1, 1)]
    references: Fields = [ue(3), *explicit, *by_minus_one, *by_two]
    assert parse_sps(sps(*PLAIN, *NO_LISTS, *NO_PCM, *references, *REST, *VUI)) == SIXTY


@pytest.mark.parametrize(
    "fields",
    [
        [*PLAIN, *NO_LISTS, *NO_PCM, ue(65)],
        [*PLAIN, *NO_LISTS, *NO_PCM, ue(1), ue(17), ue(0)],
        [*PLAIN, *NO_LISTS, *NO_PCM, *NO_REFERENCES, (1, 1), ue(33)],
        [*DEPTHS],
    ],
)
def test_nonsense_behind_the_size_costs_the_rate_only(fields: Fields) -> None:
    assert parse_sps(sps(*fields)) == SequenceParameters(1280, 720, None)


@pytest.mark.parametrize("unit", [b"", b"\x40\x01\x00\x00", MAIN[:12]])
def test_what_is_no_parameter_set_is_refused(unit: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_sps(unit)
