import pytest

from oxbow.proto.bits import MAX_HEADER_SIZE, BitReader
from oxbow.proto.errors import ProtocolError


def bits(text: str) -> BitReader:
    text = text.replace(" ", "")
    return BitReader(int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big"))


def test_fixed_fields_cross_byte_borders() -> None:
    reader = bits("101 0000 1 11111111")
    assert (reader.u(3), reader.u(4), reader.u(9)) == (0b101, 0, 0b111111111)
    assert reader.left == 0


@pytest.mark.parametrize(
    ("code", "unsigned", "signed"),
    [("1", 0, 0), ("010", 1, 1), ("011", 2, -1), ("00100", 3, 2), ("00101", 4, -2), ("0001000", 7, 4)],
)
def test_exp_golomb_codes_are_those_of_table_9_3(code: str, unsigned: int, signed: int) -> None:
    assert bits(code).ue() == unsigned
    assert bits(code).se() == signed


def test_reading_past_the_end_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="truncated"):
        BitReader(b"\xff").u(9)


def test_an_endless_run_of_zeros_is_refused() -> None:
    with pytest.raises(ProtocolError, match="Exp-Golomb"):
        BitReader(bytes(100)).ue()


def test_only_the_first_bytes_of_a_huge_header_are_looked_at() -> None:
    assert BitReader(bytes(10 * MAX_HEADER_SIZE)).left == MAX_HEADER_SIZE * 8
