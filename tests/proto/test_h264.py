"""The configuration records are what libx264 and libopenh264 wrote into FLV files."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import h264
from oxbow.proto.errors import ProtocolError

BASELINE_1080 = bytes.fromhex("0142c028ffe100176742c028da01e0089f97011000003e90000ea600f1832a01000468ce0fc8")
HIGH_444 = bytes.fromhex(
    "01f4001effe1001a67f4001e919b281687bdde0220000003002000000641e2c5b2c001000668ebe3c44844fff8f800"
)
INTERLACED = bytes.fromhex(
    "0164001effe1001a6764001eacd940b420fc460220000003002000000643e28532c001000668fba3cb22c0fdf8f800"
)
OPENH264 = bytes.fromhex("0142c01effe100106742c01e8c680a02ff970101e1108d4001000468ce3c80")


class Bits:
    """Writes what BitReader reads."""

    def __init__(self) -> None:
        self.text = ""

    def u(self, size: int, value: int) -> "Bits":
        self.text += f"{value:0{size}b}"
        return self

    def ue(self, *values: int) -> "Bits":
        for value in values:
            code = f"{value + 1:b}"
            self.text += "0" * (len(code) - 1) + code
        return self

    def bytes(self) -> bytes:
        text = self.text + "1"
        text = text.ljust(-(-len(text) // 8) * 8, "0")
        return int(text, 2).to_bytes(len(text) // 8, "big")


@pytest.mark.parametrize(
    ("record", "codec", "size", "frame_rate"),
    [
        (BASELINE_1080, "avc1.42c028", (1920, 1080), pytest.approx(30000 / 1001)),
        (HIGH_444, "avc1.f4001e", (718, 478), 25.0),
        (INTERLACED, "avc1.64001e", (720, 484), 25.0),
        (OPENH264, "avc1.42c01e", (640, 360), None),
    ],
)
def test_encoders_parameter_sets(
    record: bytes, codec: str, size: tuple[int, int], frame_rate: float | None
) -> None:
    sps = h264.parse_config(record).parameters
    assert (sps.codec, (sps.width, sps.height), sps.frame_rate) == (codec, size, frame_rate)


def test_scaling_lists_and_picture_order_type_one_are_stepped_over() -> None:
    bits = Bits().ue(0, 1, 0, 0).u(1, 0).u(1, 1)  # id, 4:2:0, 8 bit, 8 bit, no bypass, scaling matrix
    bits.u(1, 1).ue(*[0] * 16)  # a list of 16 zero deltas
    bits.u(1, 1).ue(16)  # a list that ends at once: delta -8 makes the next scale 0
    bits.u(6, 0)  # six lists that are not there
    bits.ue(0, 1).u(1, 0).ue(0, 0, 2, 0, 0)  # picture order type 1 with two offsets
    bits.ue(1).u(1, 0).ue(39, 22).u(1, 1).u(1, 1)  # 40 x 23 macroblocks, frames only, direct 8x8
    bits.u(1, 1).ue(0, 0, 0, 4).u(1, 0)  # eight lines cropped at the bottom, no VUI
    sps = h264.parse_sps(b"\x67\x64\x00\x1f" + bits.bytes())
    assert (sps.width, sps.height, sps.frame_rate) == (640, 360, None)


def test_extended_aspect_ratio_and_colours_come_before_the_timing() -> None:
    bits = Bits().ue(0, 0, 2, 1).u(1, 0).ue(19, 14).u(1, 1).u(1, 1).u(1, 0)
    bits.u(1, 1)  # VUI
    bits.u(1, 1).u(8, 255).u(16, 33).u(16, 32)  # extended SAR
    bits.u(1, 1).u(1, 1)  # overscan
    bits.u(1, 1).u(4, 0b1010).u(1, 1).u(24, 0x010101)  # video signal type with colours
    bits.u(1, 1).ue(0, 0)  # chroma location
    bits.u(1, 1).u(32, 1).u(32, 120)  # timing
    sps = h264.parse_sps(b"\x67\x42\xc0\x1f" + bits.bytes())
    assert (sps.width, sps.height, sps.frame_rate) == (320, 240, 60.0)


def test_a_vui_that_is_cut_short_costs_only_the_frame_rate() -> None:
    whole = h264.parse_config(BASELINE_1080).sps[0]
    sps = h264.parse_sps(whole[:-6])
    assert (sps.width, sps.height, sps.frame_rate) == (1920, 1080, None)


def test_an_absurd_picture_is_refused() -> None:
    bits = Bits().ue(0, 0, 2, 1).u(1, 0).ue(5000, 14).u(3, 0b110)
    with pytest.raises(ProtocolError, match="80016x240"):
        h264.parse_sps(b"\x67\x42\xc0\x1f" + bits.bytes())


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (b"", "truncated"),
        (b"\x02" + BASELINE_1080[1:], "version 2"),
        (BASELINE_1080[:4] + b"\xfe" + BASELINE_1080[5:], "three-byte"),
        (b"\x01\x42\xc0\x28\xff\xe0\x00", "no SPS"),
        (BASELINE_1080[:20], "parameter set"),
        (BASELINE_1080 + bytes(70_000), "absurd"),
    ],
)
def test_damaged_records_say_what_is_wrong(record: bytes, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        h264.parse_config(record)


def frame(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def test_a_keyframe_gets_delimiter_and_parameter_sets_and_keeps_its_sei() -> None:
    config = h264.parse_config(BASELINE_1080)
    unit = h264.access_unit(config, b"?????" + frame(b"\x06sei", b"\x65idr"), keyframe=True, start=5)
    start = b"\x00\x00\x00\x01"
    assert unit == start.join([b"", b"\x09\xf0", config.sps[0], config.pps[0], b"\x06sei", b"\x65idr"])


def test_other_frames_get_a_delimiter_only() -> None:
    config = h264.parse_config(BASELINE_1080)
    assert h264.access_unit(config, frame(b"\x41p"), keyframe=False) == (
        b"\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x41p"
    )


def test_what_the_encoder_sent_itself_is_not_repeated() -> None:
    config = h264.parse_config(BASELINE_1080)
    unit = h264.access_unit(config, frame(b"\x09\x10", b"\x67s", b"\x68p", b"\x65i"), keyframe=True)
    assert unit == b"\x00\x00\x00\x01".join([b"", b"\x09\xf0", b"\x67s", b"\x68p", b"\x65i"])


@given(
    record=st.sampled_from([BASELINE_1080, HIGH_444, INTERLACED, OPENH264]),
    cut=st.integers(0, 50),
    flips=st.lists(st.tuples(st.integers(0, 46), st.integers(1, 255)), max_size=4),
)
def test_truncated_and_mutated_records_raise_protocol_errors_only(
    record: bytes, cut: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(record[: len(record) - cut] if cut < len(record) else b"")
    for at, mask in flips:
        if at < len(data):
            data[at] ^= mask
    with suppress(ProtocolError):
        assert h264.parse_config(bytes(data)).parameters.width > 0
