"""Which bytes of an object are asked for, and whether the client has them already (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime

from oxbow.kernel.errors import ApiError

_ONE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*")


class UnsatisfiableRange(ApiError):  # noqa: N818 - named by what it says
    """The object has none of the bytes that are asked for."""

    def __init__(self, size: int) -> None:
        super().__init__(
            416, f"Range: the object has {size} bytes", headers={"Content-Range": f"bytes */{size}"}
        )


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte, and the one behind the last; None for all of it.

    Several ranges in one request, and what is no range of bytes, are answered with all of it, as RFC 9110
    (14.2) lets a server do. UnsatisfiableRange.
    """
    match = _ONE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(size - int(match[2]), 0), size
    else:
        start, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= end:
        raise UnsatisfiableRange(size)
    return start, end


def etag_of(hash_: str) -> str:
    """The `ETag` of an object."""
    return f'"{hash_}"'


def http_date(seconds: int) -> str:
    """A moment as headers tell it."""
    return formatdate(seconds, usegmt=True)


def is_fresh(if_none_match: str, if_modified_since: str, etag: str, modified: int) -> bool:
    """Whether the client's copy is as good as ours: 304."""
    if if_none_match:
        return _lists(if_none_match, etag)
    since = _moment(if_modified_since)
    return since is not None and modified <= since


def fails(if_match: str, if_unmodified_since: str, etag: str, modified: int) -> bool:
    """Whether the client wants another version than the one that is here: 412."""
    if if_match:
        return not _lists(if_match, etag)
    since = _moment(if_unmodified_since)
    return since is not None and modified > since


def range_applies(if_range: str, etag: str, modified: int) -> bool:
    """Whether the range is of the version that the client has part of."""
    if not if_range:
        return True
    return if_range.strip() == etag if '"' in if_range else _moment(if_range) == modified


def _lists(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags


def _moment(header: str) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp() if header else None
    except (ValueError, TypeError, OverflowError):
        return None
