import pytest

from oxbow.proto import nal
from oxbow.proto.errors import ProtocolError


@pytest.mark.parametrize("length_size", [1, 2, 4])
def test_units_are_split_by_their_lengths(length_size: int) -> None:
    units = [b"\x06sei", b"\x65" + b"x" * 200, b"\x41"]
    data = b"".join(len(unit).to_bytes(length_size, "big") + unit for unit in units)
    assert nal.split(b"12345" + data, length_size, start=5) == units


def test_empty_units_are_left_out() -> None:
    assert nal.split(bytes(4) + b"\x00\x00\x00\x01A" + bytes(4), 4) == [b"A"]


@pytest.mark.parametrize("data", [b"\x00\x00\x00\x02A", b"\x00\x00\x00", b"\xff\xff\xff\xff" + b"A" * 50])
def test_a_length_beyond_the_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="exceeds the frame"):
        nal.split(data, 4)


@pytest.mark.parametrize("unit", [b"\x00", b"\x01A"])
def test_a_frame_of_countless_units_is_refused(unit: bytes) -> None:
    with pytest.raises(ProtocolError, match="1024 NAL units"):
        nal.split(unit * 100_000, 1)


def test_annex_b_puts_a_start_code_before_each_unit() -> None:
    assert nal.annex_b([b"A", b"BC"]) == b"\x00\x00\x00\x01A\x00\x00\x00\x01BC"
    assert nal.annex_b([]) == b""


def test_emulation_prevention_is_removed() -> None:
    assert nal.unescape(bytes.fromhex("0000030000030100000303")) == bytes.fromhex("00000000010000" + "03")
