"""Reading what a request says: JSON bodies, query parameters and encoded stream names.

Everything unfit is a 400 that names the field and says what it takes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.models import STREAM_NAME_RULE, is_stream_name

E = TypeVar("E", bound=StrEnum)

DEFAULT_LIMIT = 1000
MAX_LIMIT = 5000
_MISSING: Any = object()


class Body:
    """A JSON object; field names are matched without case, as Go clients spell some with a capital."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}

    @classmethod
    def parse(cls, raw: bytes, *allowed: str) -> Body:
        """Read a body that may hold the `allowed` fields and no others."""
        try:
            fields = msgspec.json.decode(raw, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise BadArgument("body", "must be a JSON object") from None
        known = {name.lower() for name in allowed}
        for name in fields:
            if name.lower() not in known:
                raise BadArgument(name[:80], f"unknown field, the body takes {', '.join(allowed)}")
        return cls(fields)

    def has(self, name: str) -> bool:
        """Whether the field is there with a value other than null."""
        return self._fields.get(name.lower()) is not None

    def text(self, name: str, default: str = _MISSING, *, max_length: int = 128) -> str:
        """A text of visible ASCII characters."""
        value = self._get(name, default)
        if not isinstance(value, str) or len(value) > max_length or not _is_visible(value):
            raise BadArgument(name, f"must be a text of at most {max_length} visible ASCII characters")
        return value

    def flag(self, name: str, default: bool = _MISSING) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise BadArgument(name, "must be true or false")
        return value

    def integer(self, name: str, low: int, high: int, default: int = _MISSING) -> int:
        """A whole number between `low` and `high`, both included."""
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BadArgument(name, f"must be a whole number from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float, default: float = _MISSING) -> float:
        value = self._get(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise BadArgument(name, f"must be a number from {low:g} to {high:g}")
        return value

    def choice(self, name: str, choices: Sequence[E]) -> E:
        """One of some values of an enumeration."""
        value = self._get(name, _MISSING)
        for choice in choices:
            if value == choice.value:
                return choice
        raise BadArgument(name, f"must be one of {', '.join(repr(choice.value) for choice in choices)}")

    def texts(self, name: str, max_items: int) -> list[str]:
        """A list of texts."""
        value = self._get(name, _MISSING)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadArgument(name, "must be a list of texts")
        if len(value) > max_items:
            raise BadArgument(name, f"must have at most {max_items} items")
        return value

    def _get(self, name: str, default: Any) -> Any:
        value = self._fields.get(name.lower(), default)
        if value is _MISSING:
            raise BadArgument(name, "is missing")
        return value


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def stream_title(encoded: str) -> str:
    """The stream's name in a path: base64, url-safe or not, with padding or without."""
    try:
        name = _decode_base64(encoded)
    except ValueError:
        raise BadArgument("encodedStreamTitle", "must be the stream's name in url-safe base64") from None
    if not is_stream_name(name):
        raise BadArgument("encodedStreamTitle", f"a stream's name is {STREAM_NAME_RULE}")
    return name


def _decode_base64(text: str) -> str:
    """ASCII text from either alphabet of base64; ValueError for anything that is not one."""
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    raw = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    return raw.decode("ascii")


def query_flag(query: Mapping[str, str], name: str) -> bool:
    """A switch in the query; missing and empty are off."""
    value = query.get(name, "")
    if value.lower() not in ("true", "false", "1", "0", ""):
        raise BadArgument(name, "must be true or false")
    return value.lower() in ("true", "1")


def query_integer(query: Mapping[str, str], name: str, low: int, high: int) -> int:
    """A whole number in the query; missing and empty are 0."""
    value = query.get(name) or "0"
    digits = value.removeprefix("-")
    if len(digits) > 18 or not (digits.isascii() and digits.isdigit()) or not low <= int(value) <= high:
        raise BadArgument(name, f"must be a whole number from {low} to {high}")
    return int(value)


def page_limit(query: Mapping[str, str]) -> int:
    """How many items a page may have; 0 asks for the default."""
    return query_integer(query, "limit", 0, MAX_LIMIT) or DEFAULT_LIMIT


def encode_marker(last: str) -> str:
    """Where the next page begins, in a form that clients pass on without reading."""
    return base64.urlsafe_b64encode(f">{last}".encode()).decode()


def decode_marker(query: Mapping[str, str]) -> str:
    """The last name of the former page, empty for the first page."""
    marker = query.get("marker", "")
    if not marker:
        return ""
    try:
        text = _decode_base64(marker[:400])
    except (ValueError, binascii.Error):
        text = ""
    if not (text.startswith(">") and is_stream_name(text[1:])):
        raise BadArgument("marker", "must be the marker of the previous page")
    return text[1:]
