"""Numbers in a query; what is unfit is a 400 that names the parameter and says what it takes."""

from __future__ import annotations

from collections.abc import Mapping

from oxbow.kernel.errors import ApiError

MAX_TIME = 253_402_300_799
"""The last second of the year 9999."""


def query_integer(query: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    """A whole number; None if it is missing or empty."""
    value = query.get(name, "")
    if not value:
        return None
    digits = value.removeprefix("-")
    if len(digits) > 18 or not (digits.isascii() and digits.isdigit()) or not low <= int(value) <= high:
        raise ApiError(400, f"{name}: must be a whole number from {low} to {high}")
    return int(value)


def query_text(query: Mapping[str, str], name: str, longest: int) -> str:
    """A text, empty if it is missing; it can hold no zero byte, which PostgreSQL would not compare with."""
    value = query.get(name, "")
    if len(value) > longest or "\0" in value:
        raise ApiError(400, f"{name}: must have at most {longest} characters, and no zero byte")
    return value
