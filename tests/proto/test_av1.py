import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import av1
from oxbow.proto.av1 import SequenceParameters
from oxbow.proto.errors import ProtocolError

SVT = bytes.fromhex("81010c000a0c0200000d6627fb3805f00080")
"""What SVT-AV1 wrote into an FLV file for 640x360."""


def test_the_record_and_its_sequence_header() -> None:
    config = av1.parse_config(SVT)
    assert (config.codec, config.parameters) == ("av01.0.01M.08", SequenceParameters(640, 360, None))


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        ("81090c00", "av01.0.09M.08"),
        ("812dcc00", "av01.1.13H.10"),
        ("8152e000", "av01.2.18H.12"),
    ],
)
def test_codec_strings(head: str, codec: str) -> None:
    assert av1.parse_config(bytes.fromhex(head)).codec == codec


def test_a_record_without_a_sequence_header_has_no_size() -> None:
    padding = bytes.fromhex("7a0200007a00")
    assert av1.parse_config(SVT[:4]).parameters is None
    assert av1.parse_config(SVT[:4] + padding).parameters is None
    assert av1.parse_config(SVT[:4] + padding + SVT[4:]).parameters == SequenceParameters(640, 360, None)


def sequence_header(*fields: tuple[int, int]) -> bytes:
    text = "".join(f"{value:0{size}b}" for size, value in fields)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


SIZE = ((4, 10), (4, 9), (11, 1279), (10, 719))


def test_a_still_picture_has_a_short_header() -> None:
    found = av1.parse_sequence(sequence_header((4, 1), (1, 1), (5, 4), *SIZE))
    assert found == SequenceParameters(1280, 720, None)


def test_timing_is_read_and_the_decoder_model_stepped_over() -> None:
    header = sequence_header(
        (5, 0),  # profile, moving picture, full header
        *((1, 1), (32, 1), (32, 25), (1, 1), (1, 1)),  # timing; equal intervals of one tick
        *((1, 1), (5, 9), (42, 0)),  # decoder model with delays of ten bits
        *((1, 1), (5, 0)),  # display delays; one operating point
        *((12, 0), (5, 9), (1, 1)),  # level 4.1, High tier
        *((1, 1), (21, 0)),  # its decoder model
        *((1, 1), (4, 3)),  # its display delay
        *SIZE,
    )
    assert av1.parse_sequence(header) == SequenceParameters(1280, 720, 25.0)


@pytest.mark.parametrize(
    ("record", "problem"),
    [(b"", "truncated"), (b"\x01" + SVT[1:], "0x01"), (SVT[:10], "truncated OBU"), (SVT[:5], "length")],
)
def test_damaged_records_say_what_is_wrong(record: bytes, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        assert av1.parse_config(record).parameters


@given(st.binary(max_size=60))
def test_any_bytes_give_a_size_or_a_protocol_error(obus: bytes) -> None:
    try:
        found = av1.parse_config(SVT[:4] + obus).parameters
        assert found is None or found.width > 0
    except ProtocolError:
        pass
