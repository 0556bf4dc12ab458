"""AMF3 values inside AMF0 (the ``avmplus`` marker), as ActionScript 3 clients send them.

Source: Action Message Format AMF 3 (Adobe, 2013), section 3. Strings, numbers, dates, byte arrays, arrays
and objects are read; externalizable objects, vectors, dictionaries and references to whole values
are refused, since no command of a live stream needs them. A string or a set of traits may
refer back, as nearly every AMF3 object does.
"""

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from oxbow.proto.amf0 import UNDEFINED, AmfError, Date

if TYPE_CHECKING:
    from oxbow.proto.amf0 import Reader

_NUMBER = struct.Struct(">d")
_T = TypeVar("_T")


class _Traits(NamedTuple):
    """What instances of one class have in common."""

    names: tuple[str, ...]
    dynamic: bool


class Amf3Reader:
    """Reads AMF3 from the position of an AMF0 :class:`~oxbow.proto.amf0.Reader`, on the same budgets."""

    __slots__ = ("_reader", "_strings", "_traits")

    def __init__(self, reader: "Reader") -> None:
        self._reader = reader
        self._strings: list[str] = []
        self._traits: list[_Traits] = []

    def value(self, depth: int) -> Any:
        """The next value. Raises AmfError."""
        self._reader.charge(depth)
        marker = self._reader.take(1)[0]
        read = _READERS.get(marker)
        if read is None:
            raise AmfError(f"AMF3 marker 0x{marker:02x} is unknown or not accepted")
        return read(self, depth)

    def integer(self, _depth: int) -> float:
        number = self._unsigned()
        # 29 bits, two's complement. Numbers of both formats come out as floats, as AMF0 has no integers.
        return float(number - 0x20000000 if number & 0x10000000 else number)

    def number(self, _depth: int) -> float:
        return float(_NUMBER.unpack(self._reader.take(8))[0])

    def string(self, _depth: int = 0) -> str:
        head = self._unsigned()
        if not head & 1:
            return _back_reference(self._strings, head >> 1, "string")
        text = self._reader.take(head >> 1).decode("utf-8", "replace")
        if text:
            self._strings.append(text)
        return text

    def xml(self, _depth: int) -> str:
        return self._bytes().decode("utf-8", "replace")

    def byte_array(self, _depth: int) -> bytes:
        return self._bytes()

    def date(self, _depth: int) -> Date:
        self._inline_length()
        return Date(self.number(0))

    def array(self, depth: int) -> list[Any] | dict[str, Any]:
        """A list, or a dict when the array has named members; its items are then under "0", "1", ..."""
        count = self._inline_length()
        if count > len(self._reader.data) - self._reader.position:
            raise AmfError(f"AMF3 array announces {count} items, more than there are bytes left")
        named = self._named_values(depth)
        items = [self.value(depth + 1) for _ in range(count)]
        if not named:
            return items
        return named | {str(index): item for index, item in enumerate(items)}

    def object(self, depth: int) -> dict[str, Any]:
        traits = self._read_traits()
        result = {name: self.value(depth + 1) for name in traits.names}
        if traits.dynamic:
            result |= self._named_values(depth)
        return result

    def _read_traits(self) -> _Traits:
        head = self._inline_length() << 1 | 1
        if not head & 2:
            return _back_reference(self._traits, head >> 2, "traits")
        if head & 4:
            raise AmfError("AMF3 externalizable objects are not accepted")
        self.string()  # The class name means nothing here.
        count = head >> 4
        if count > len(self._reader.data) - self._reader.position:
            raise AmfError(f"AMF3 traits announce {count} members, more than there are bytes left")
        traits = _Traits(tuple(self.string() for _ in range(count)), bool(head & 8))
        self._traits.append(traits)
        return traits

    def _named_values(self, depth: int) -> dict[str, Any]:
        result = {}
        while name := self.string():
            result[name] = self.value(depth + 1)
        return result

    def _bytes(self) -> bytes:
        return self._reader.take(self._inline_length())

    def _inline_length(self) -> int:
        head = self._unsigned()
        if not head & 1:
            raise AmfError("AMF3 references to earlier values are not accepted")
        return head >> 1

    def _unsigned(self) -> int:
        """U29: seven bits a byte while the top bit is set, all eight in the fourth."""
        result = 0
        for _ in range(3):
            byte = self._reader.take(1)[0]
            result = result << 7 | byte & 0x7F
            if byte < 0x80:
                return result
        return result << 8 | self._reader.take(1)[0]


def _back_reference(known: list[_T], index: int, what: str) -> _T:
    if index >= len(known):
        raise AmfError(f"AMF3 {what} reference {index} points at nothing")
    return known[index]


_READERS: dict[int, Callable[[Amf3Reader, int], Any]] = {
    0x00: lambda _reader, _depth: UNDEFINED,
    0x01: lambda _reader, _depth: None,
    0x02: lambda _reader, _depth: False,
    0x03: lambda _reader, _depth: True,
    0x04: Amf3Reader.integer,
    0x05: Amf3Reader.number,
    0x06: Amf3Reader.string,
    0x07: Amf3Reader.xml,
    0x08: Amf3Reader.date,
    0x09: Amf3Reader.array,
    0x0A: Amf3Reader.object,
    0x0B: Amf3Reader.xml,
    0x0C: Amf3Reader.byte_array,
}
