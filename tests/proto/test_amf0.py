"""AMF0: what encoders write is read, what is absurd is refused, what we write is read back."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto.amf0 import UNDEFINED, AmfError, Date, EcmaArray, decode, encode

keys = st.text(max_size=8)
scalars = (
    st.none()
    | st.just(UNDEFINED)
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.builds(Date, st.floats(allow_nan=False))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4).map(EcmaArray)
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=5))
def test_what_is_encoded_is_decoded_again(originals):
    decoded = decode(encode(*originals))
    assert decoded == originals
    assert [type(value) for value in decoded] == [type(value) for value in originals]


@given(values, st.data())
def test_a_truncated_value_is_an_error_and_nothing_else(value, data):
    whole = encode(value)
    cut = data.draw(st.integers(1, len(whole)))
    if cut < len(whole):
        with pytest.raises(AmfError):
            decode(whole[:cut])


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_raise_amf_error(data):
    with contextlib.suppress(AmfError):
        decode(data)


@given(st.lists(values, max_size=3), st.integers(0, 10_000), st.integers(0, 255))
def test_mutated_values_decode_or_raise_amf_error(originals, place, byte):
    data = bytearray(encode(*originals))
    if data:
        data[place % len(data)] = byte
    with contextlib.suppress(AmfError):
        decode(bytes(data))


def test_integers_are_written_as_numbers():
    assert encode(1) == b"\x00" + struct.pack(">d", 1.0)


def test_a_connect_command_as_the_specification_lays_it_out():
    data = bytes.fromhex("020007") + b"connect" + b"\x00" + struct.pack(">d", 1)
    data += b"\x03\x00\x03app\x02\x00\x04live\x00\x04fpad\x01\x00\x00\x00\x09"
    assert decode(data) == ["connect", 1.0, {"app": "live", "fpad": False}]


def test_an_ecma_array_may_announce_a_wrong_count():
    data = b"\x08\x00\x00\x00\x00" + b"\x00\x01a" + encode(1) + b"\x00\x00\x09"
    assert decode(data) == [EcmaArray(a=1.0)]


def test_long_strings_take_the_long_form():
    text = "x" * 70_000
    assert encode(text)[:5] == b"\x0c" + (70_000).to_bytes(4, "big")
    assert decode(encode(text)) == [text]


def test_text_that_is_not_utf8_is_readable_all_the_same():
    gbk = "直播".encode("gbk")
    assert decode(b"\x02\x00\x04" + gbk)[0].count("\ufffd") > 0


def test_a_typed_object_loses_its_class_name():
    assert decode(b"\x10\x00\x03Foo\x00\x01a\x05\x00\x00\x09") == [{"a": None}]


def test_depth_is_bounded():
    nested: object = 1.0
    for _ in range(40):
        nested = [nested]
    with pytest.raises(AmfError, match="nested more than 16 deep"):
        decode(encode(nested))
    assert decode(encode(nested), max_depth=40) == [nested]


def test_the_number_of_values_is_bounded():
    assert len(decode(encode(*range(100)), max_items=100)) == 100
    with pytest.raises(AmfError, match="too many values"):
        decode(encode(*range(101)), max_items=100)


def test_an_array_cannot_announce_more_items_than_there_are_bytes():
    with pytest.raises(AmfError, match="announces 4294967295 items"):
        decode(b"\x0a\xff\xff\xff\xff\x05")


def test_references_are_refused():
    with pytest.raises(AmfError, match="0x07"):
        decode(b"\x03\x00\x01a\x07\x00\x00\x00\x00\x09")


def test_what_amf0_cannot_say_is_a_type_error():
    with pytest.raises(TypeError, match="no form for object"):
        encode(object())


def test_the_avmplus_marker_switches_to_amf3():
    assert decode(b"\x11\x06\x07foo" + encode(2.0)) == ["foo", 2.0]
