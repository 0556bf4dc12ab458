"""AMF3 behind AMF0's avmplus marker, as ActionScript 3 players send it."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto.amf0 import UNDEFINED, AmfError, Date, decode


def amf3(data: bytes):
    (value,) = decode(b"\x11" + data)
    return value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x00", UNDEFINED),
        (b"\x01", None),
        (b"\x02", False),
        (b"\x03", True),
        (b"\x04\x05", 5.0),
        (b"\x04\x81\x00", 128.0),
        (b"\x04\xff\xff\xff\xff", -1.0),
        (b"\x04\xbf\xff\xff\xff", float(0x0FFFFFFF)),
        (b"\x05" + struct.pack(">d", 0.5), 0.5),
        (b"\x06\x01", ""),
        (b"\x06\x07abc", "abc"),
        (b"\x0b\x09<a/>", "<a/>"),
        (b"\x08\x01" + struct.pack(">d", 1000.0), Date(1000.0)),
        (b"\x0c\x07\x00\x01\x02", b"\x00\x01\x02"),
        (b"\x09\x05\x01\x02\x03", [False, True]),
        (b"\x09\x03\x03k\x04\x01\x01\x03", {"k": 1.0, "0": True}),
        (b"\x0a\x0b\x01\x03a\x04\x01\x01", {"a": 1.0}),
        (b"\x0a\x13\x07Foo\x03a\x04\x02", {"a": 2.0}),
    ],
)
def test_values(data, value):
    assert amf3(data) == value


def test_strings_and_traits_are_referred_back_to():
    first = b"\x0a\x13\x01\x03a\x06\x03x"  # One sealed member "a", of value "x".
    second = b"\x0a\x01\x06\x02"  # The same traits; the value is string number 1.
    assert amf3(b"\x09\x05\x01" + first + second) == [{"a": "x"}, {"a": "x"}]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x06\x02", "string reference 1 points at nothing"),
        (b"\x0a\x05", "traits reference 1 points at nothing"),
        (b"\x0a\x00", "references to earlier values"),
        (b"\x0a\x07", "externalizable"),
        (b"\x0d\x03", "0x0d"),
        (b"\x09\xff\xff\xff\xff", "announces"),
        (b"\x0a\xff\xff\xff\xfb\x01", "announce"),
        (b"\x06\x07ab", "cut short"),
        (b"", "cut short"),
        (b"\x09\x03\x01" * 30, "nested more than 16 deep"),
    ],
)
def test_refusals(data, problem):
    with pytest.raises(AmfError, match=problem):
        amf3(data)


@given(st.binary(max_size=100))
def test_any_bytes_decode_or_raise_amf_error(data):
    with contextlib.suppress(AmfError):
        decode(b"\x11" + data)
