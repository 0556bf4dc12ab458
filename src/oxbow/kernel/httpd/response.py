"""A response: bytes, parts of files, or pieces that are made while they are sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from oxbow.kernel.errors import ApiError

BODILESS = {204, 304}


@dataclass(frozen=True, slots=True)
class FilePart:
    """A range of a file, sent without passing through this process."""

    path: Path
    start: int
    size: int


@dataclass(slots=True)
class Response:
    """What to answer. `length` is needed with pieces only: without it they are sent in chunks."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | list[FilePart] | AsyncIterator[bytes] = b""
    length: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes of the body; None if only its end will tell."""
        if isinstance(self.body, bytes):
            return len(self.body)
        if isinstance(self.body, list):
            return sum(part.size for part in self.body)
        return self.length


def json_response(value: object, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A JSON body."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, {"Content-Type": "application/json", **dict(headers)}, body)


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """The one shape of an error, as everywhere in the cloud."""
    return json_response({"error": message}, status, (headers or {}).items())


def error_of(failure: ApiError) -> Response:
    """A refusal as it is answered."""
    return error(failure.status, failure.message, failure.headers)


def head(response: Response, *, reqid: str, took_ms: int, keep_alive: bool, now: float) -> bytes:
    """Status line and headers, with the blank line behind them."""
    lines = [
        _status_line(response.status),
        "Server: oxbow",
        f"Date: {_date(int(now))}",
        f"X-Reqid: {reqid}",
        f"X-Log: IO:{took_ms}",
        "Connection: keep-alive" if keep_alive else "Connection: close",
    ]
    lines += [f"{name}: {_clean(value)}" for name, value in response.headers.items()]
    if response.status not in BODILESS:
        size = response.size
        lines.append("Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n"


def _status_line(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:  # the dialect has codes of its own, such as 612
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}"


def _clean(value: str) -> str:
    """A header's value cannot begin a new line, whatever an object's metadata say."""
    return value.replace("\r", " ").replace("\n", " ").replace("\0", " ")


@lru_cache(maxsize=4)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)
