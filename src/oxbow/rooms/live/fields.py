"""Reading the path and the query of a request: encoded stream names, switches, numbers and markers.

Everything unfit is a 400 that names the field and says what it takes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from oxbow.kernel.gateway import query as queries
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.models import STREAM_NAME_RULE, is_stream_name

DEFAULT_LIMIT = 1000
MAX_LIMIT = 5000


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
    return queries.query_integer(query, name, low, high) or 0


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
    except ValueError:
        text = ""
    if not (text.startswith(">") and is_stream_name(text[1:])):
        raise BadArgument("marker", "must be the marker of the previous page")
    return text[1:]
