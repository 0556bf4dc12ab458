"""The configuration records are what libx265 wrote into FLV files, without its long SEI."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import h265
from oxbow.proto.errors import ProtocolError
from oxbow.proto.h265_sps import SequenceParameters

MAIN = bytes.fromhex(
    "0101600000009000000000005df000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003005d"
    "959409210001002c42010101600000030090000003000003005da00280802d1d56595952930bc05a02000003000200000300"
    "321022000100064401c073c189"
)
MAIN_10 = bytes.fromhex(
    "0102200000009000000000003ff000fcfdfafa00000f03200001001840010c01ffff02200000030090000003000003003f"
    "959409210001002c42010102200000030090000003000003003fa005020171f2b6595952930bc05a02000003000200000300"
    "321022000100064401c073c189"
)
SEI_ARRAY = bytes.fromhex("270001" + "0005" + "4e01050180")


@pytest.mark.parametrize(
    ("record", "codec", "parameters"),
    [
        (MAIN, "hvc1.1.6.L93.90", SequenceParameters(1278, 718, 25.0)),
        (MAIN_10, "hvc1.2.4.L63.90", SequenceParameters(640, 360, 25.0)),
    ],
)
def test_encoders_parameter_sets(record: bytes, codec: str, parameters: SequenceParameters) -> None:
    config = h265.parse_config(record)
    assert (config.codec, config.parameters) == (codec, parameters)
    assert (len(config.vps), len(config.sps), len(config.pps)) == (1, 1, 1)


def test_the_codec_string_names_profile_space_and_high_tier() -> None:
    record = bytearray(MAIN)
    record[1] |= 0b01_1_00000
    record[6:12] = b"\xb0\x00\x00\x00\x00\x00"
    assert h265.parse_config(bytes(record)).codec == "hvc1.A1.6.H93.B0"


def test_arrays_of_other_units_are_stepped_over() -> None:
    record = MAIN[:22] + b"\x04" + SEI_ARRAY + MAIN[23:]
    assert h265.parse_config(record) == h265.parse_config(MAIN)


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (MAIN[:10], "truncated"),
        (b"\x00" + MAIN[1:], "version 0"),
        (MAIN[:21] + b"\x0e" + MAIN[22:], "three-byte"),
        (MAIN[:22] + b"\x00", "no SPS"),
        (MAIN[:24], "truncated array"),
        (MAIN[:40], "parameter set"),
        (MAIN + bytes(70_000), "absurd"),
    ],
)
def test_damaged_records_say_what_is_wrong(record: bytes, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        h265.parse_config(record)


def test_a_keyframe_gets_delimiter_and_parameter_sets_in_front() -> None:
    config = h265.parse_config(MAIN)
    unit = h265.access_unit(config, b"\x00\x00\x00\x04\x26\x01id", keyframe=True)
    sets = [config.vps[0], config.sps[0], config.pps[0]]
    assert unit == b"\x00\x00\x00\x01".join([b"", b"\x46\x01\x50", *sets, b"\x26\x01id"])


def test_other_frames_get_a_delimiter_instead_of_their_own() -> None:
    config = h265.parse_config(MAIN)
    data = b"\x00\x00\x00\x03\x46\x01\x10" + b"\x00\x00\x00\x03\x02\x01p"
    assert h265.access_unit(config, data, keyframe=False) == (
        b"\x00\x00\x00\x01\x46\x01\x50\x00\x00\x00\x01\x02\x01p"
    )


@given(
    record=st.sampled_from([MAIN, MAIN_10]),
    cut=st.integers(0, 110),
    flips=st.lists(st.tuples(st.integers(0, 110), st.integers(1, 255)), max_size=4),
)
def test_truncated_and_mutated_records_raise_protocol_errors_only(
    record: bytes, cut: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(record[: max(len(record) - cut, 0)])
    for at, mask in flips:
        if at < len(data):
            data[at] ^= mask
    try:
        config = h265.parse_config(bytes(data))
        assert config.codec.startswith("hvc1.")
        assert config.parameters.width > 0
    except ProtocolError:
        pass
