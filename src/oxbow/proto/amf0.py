"""AMF0, the value encoding of RTMP commands and of FLV script tags.

Source: Action Message Format AMF 0 (Adobe, 2007), section 2. Not accepted, with a clear error: movie
clips, record sets, and references (no live encoder sends them, and they make cycles and billion-laughs
graphs possible).

===============  ==========================================================
AMF0             Python
===============  ==========================================================
number           ``float`` (``int`` is accepted when encoding)
boolean          ``bool``
string, XML      ``str``; bytes that are not UTF-8 decode to U+FFFD
object           ``dict``; the class name of a typed object is dropped
ECMA array       :class:`EcmaArray`
strict array     ``list``
null             ``None``
undefined        :data:`UNDEFINED`
date             :class:`Date`
AMF3 (avmplus)   what :mod:`oxbow.proto.amf3` makes of it
===============  ==========================================================
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from oxbow.proto.errors import ProtocolError


class AmfError(ProtocolError):
    """The bytes are no AMF, are cut short, or are deeper or larger than allowed."""


class Undefined(Enum):
    """The type of :data:`UNDEFINED`."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED
"""ActionScript's ``undefined``, which is not its ``null``."""


class EcmaArray(dict[str, Any]):
    """An associative array: encoded with marker 8 and a count, as ``onMetaData`` usually is."""


class Date(NamedTuple):
    """A moment, in milliseconds since 1970-01-01 UTC."""

    milliseconds: float


_NUMBER = struct.Struct(">d")
_MARKED_NUMBER = struct.Struct(">Bd")
_MARKED_LENGTH_16 = struct.Struct(">BH")
_MARKED_LENGTH_32 = struct.Struct(">BI")
_DATE_TAIL = struct.Struct(">dh")
_OBJECT_END = b"\x00\x00\x09"


def encode(*values: object) -> bytes:
    """The AMF0 bytes of ``values``, one after the other.

    Raises TypeError for a value that AMF0 has no form for.
    """
    out = bytearray()
    for value in values:
        _encode_value(value, out)
    return bytes(out)


def _encode_value(value: object, out: bytearray) -> None:
    if value is None:
        out.append(0x05)
    elif value is UNDEFINED:
        out.append(0x06)
    elif isinstance(value, bool):
        out += b"\x01\x01" if value else b"\x01\x00"
    elif isinstance(value, int | float):
        out += _MARKED_NUMBER.pack(0x00, value)
    elif isinstance(value, str):
        _encode_string(value, out)
    elif isinstance(value, Date):
        out.append(0x0B)
        out += _DATE_TAIL.pack(value.milliseconds, 0)
    elif isinstance(value, Mapping):
        _encode_mapping(value, out)
    elif isinstance(value, Sequence):
        out += _MARKED_LENGTH_32.pack(0x0A, len(value))
        for item in value:
            _encode_value(item, out)
    else:
        raise TypeError(f"AMF0 has no form for {type(value).__name__}")


def _encode_string(value: str, out: bytearray) -> None:
    raw = value.encode("utf-8", "replace")
    if len(raw) > 0xFFFF:
        out += _MARKED_LENGTH_32.pack(0x0C, len(raw))
    else:
        out += _MARKED_LENGTH_16.pack(0x02, len(raw))
    out += raw


def _encode_mapping(value: Mapping[str, object], out: bytearray) -> None:
    if isinstance(value, EcmaArray):
        out += _MARKED_LENGTH_32.pack(0x08, len(value))
    else:
        out.append(0x03)
    for key, item in value.items():
        raw = key.encode("utf-8", "replace")
        if len(raw) > 0xFFFF:
            raise ValueError(f"AMF0 keys are at most 65535 bytes, this one has {len(raw)}")
        out += len(raw).to_bytes(2, "big") + raw
        _encode_value(item, out)
    out += _OBJECT_END


def decode(data: bytes, *, max_depth: int = 16, max_items: int = 4096) -> list[Any]:
    """All values in ``data``, which must end with the last of them.

    ``max_depth`` bounds the nesting and ``max_items`` the number of values in all, counted together;
    memory stays proportional to ``len(data)``. Raises AmfError.
    """
    reader = Reader(data, max_depth, max_items)
    values = []
    while reader.position < len(data):
        values.append(reader.value(0))
    return values


class Reader:
    """A position in AMF0 bytes, with the budgets that keep hostile input cheap."""

    __slots__ = ("_budget", "_max_depth", "data", "position")

    def __init__(self, data: bytes, max_depth: int, max_items: int) -> None:
        self.data = data
        self.position = 0
        self._max_depth = max_depth
        self._budget = max_items

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        start = self.position
        end = start + count
        if end > len(self.data):
            raise AmfError(f"AMF value is cut short: {count} bytes wanted, {len(self.data) - start} left")
        self.position = end
        return bytes(self.data[start:end])

    def charge(self, depth: int) -> None:
        """Account for one value at ``depth``, or refuse it."""
        if depth > self._max_depth:
            raise AmfError(f"AMF values are nested more than {self._max_depth} deep")
        self._budget -= 1
        if self._budget < 0:
            raise AmfError("AMF data holds too many values")

    def value(self, depth: int) -> Any:
        """The next value, whatever its type."""
        self.charge(depth)
        marker = self.take(1)[0]
        read = _READERS.get(marker)
        if read is None:
            raise AmfError(f"AMF0 marker 0x{marker:02x} is unknown or not accepted")
        return read(self, depth)

    def number(self, _depth: int) -> float:
        return float(_NUMBER.unpack(self.take(8))[0])

    def boolean(self, _depth: int) -> bool:
        return self.take(1) != b"\x00"

    def string(self, _depth: int = 0) -> str:
        return self.take(int.from_bytes(self.take(2), "big")).decode("utf-8", "replace")

    def long_string(self, _depth: int) -> str:
        return self.take(int.from_bytes(self.take(4), "big")).decode("utf-8", "replace")

    def date(self, _depth: int) -> Date:
        milliseconds, _zone = _DATE_TAIL.unpack(self.take(10))
        return Date(milliseconds)

    def object(self, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        self._fill(result, depth)
        return result

    def typed_object(self, depth: int) -> dict[str, Any]:
        self.string()
        return self.object(depth)

    def ecma_array(self, depth: int) -> EcmaArray:
        # The announced count is only a hint: encoders that stream their metadata write 0 there.
        self.take(4)
        result = EcmaArray()
        self._fill(result, depth)
        return result

    def strict_array(self, depth: int) -> list[Any]:
        count = int.from_bytes(self.take(4), "big")
        if count > len(self.data) - self.position:
            raise AmfError(f"AMF0 array announces {count} items, more than there are bytes left")
        return [self.value(depth + 1) for _ in range(count)]

    def avmplus(self, depth: int) -> Any:
        from oxbow.proto.amf3 import Amf3Reader  # The two formats refer to each other.

        return Amf3Reader(self).value(depth)

    def _fill(self, result: dict[str, Any], depth: int) -> None:
        while True:
            key = self.string()
            if not key and self.data[self.position : self.position + 1] == b"\x09":
                self.position += 1
                return
            result[key] = self.value(depth + 1)


_READERS: dict[int, Callable[[Reader, int], Any]] = {
    0x00: Reader.number,
    0x01: Reader.boolean,
    0x02: Reader.string,
    0x03: Reader.object,
    0x05: lambda _reader, _depth: None,
    0x06: lambda _reader, _depth: UNDEFINED,
    0x08: Reader.ecma_array,
    0x0A: Reader.strict_array,
    0x0B: Reader.date,
    0x0C: Reader.long_string,
    0x0D: lambda _reader, _depth: UNDEFINED,
    0x0F: Reader.long_string,
    0x10: Reader.typed_object,
    0x11: Reader.avmplus,
}
