"""Publish and play addresses, parsed without I/O and with bounded work.

The forms are those of https://developer.qiniu.com/pili/api/2767/the-rtmp-push-flow-address and of the play
address pages next to it: `rtmp://<domain>/<hub>/<stream>?<query>` and `http(s)://<domain>/<hub>/<stream>.<ext>`.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from oxbow.rooms.live.models import HUB_NAME, HUB_NAME_RULE, STREAM_NAME, STREAM_NAME_RULE
from oxbow.rooms.live.refusing import MAX_ADDRESS, AddressError

_PLAY_PATH = re.compile(rf"/({HUB_NAME.pattern})/({STREAM_NAME.pattern})\.([a-z0-9]{{1,8}})")


class PlayAddress(NamedTuple):
    """What an HTTP viewer asked for."""

    hub: str
    stream: str
    extension: str
    """In lower case and without the dot: `flv`, `m3u8`."""
    query: str
    """As typed, without the question mark."""


class RtmpAddress(NamedTuple):
    """What an RTMP publisher or viewer asked for."""

    hub: str
    stream: str
    query: str
    """As typed, from the app and the stream name together, without the question mark."""
    domain: str | None
    """Host of tcUrl in lower case, without the port."""


def parse_play_path(path: str, query: str) -> PlayAddress:
    """Read `/<hub>/<stream>.<extension>`; percent-escapes of the path are resolved once.

    A name cannot hold a slash or a dot, so that neither an escape nor `..` leads anywhere else.
    """
    if len(path) + len(query) > MAX_ADDRESS:
        raise AddressError("address_too_long", f"an address has at most {MAX_ADDRESS} characters")
    match = _PLAY_PATH.fullmatch(unquote(path) if "%" in path else path)
    if match is None:
        raise AddressError("bad_address", "a play address is /<hub>/<stream>.flv or /<hub>/<stream>.m3u8")
    hub, stream, extension = match.groups()
    return PlayAddress(hub, stream, extension, query)


def parse_rtmp_address(app: str, tc_url: str | None, name: str) -> RtmpAddress:
    """Read an address from the app of `connect` and the name of `publish` or `play`.

    Encoders split the address in different places: the stream may stand in the app, the hub in the name, the
    query in either, and slashes at every end. Only two path segments in all are an address.
    """
    if len(app) + len(name) + len(tc_url or "") > MAX_ADDRESS:
        raise AddressError("address_too_long", f"an address has at most {MAX_ADDRESS} characters")
    segments, query = split_rtmp(app, name)
    if len(segments) != 2:
        raise AddressError("bad_address", "an address is rtmp://<server>/<hub>/<stream>")
    hub, stream = segments
    _check_names(hub, stream)
    return RtmpAddress(hub, stream, query, tc_url_host(tc_url))


def split_rtmp(app: str, name: str) -> tuple[list[str], str]:
    """The segments of the path, and the query, that an app and a name make together."""
    app_path, _, app_query = app.partition("?")
    name_path, _, name_query = name.partition("?")
    segments = [part for part in f"{app_path}/{name_path}".split("/") if part]
    return segments, "&".join(part for part in (app_query, name_query) if part)


def _check_names(hub: str, stream: str) -> None:
    if not HUB_NAME.fullmatch(hub):
        raise AddressError("bad_hub_name", f"the hub's name must be {HUB_NAME_RULE}")
    if not STREAM_NAME.fullmatch(stream):
        raise AddressError("bad_stream_name", f"the stream's name must be {STREAM_NAME_RULE}")


def tc_url_host(tc_url: str | None) -> str | None:
    """The host of `rtmp://host[:port]/app`, normalised, or None."""
    _, separator, rest = (tc_url or "").partition("://")
    return normal_host(re.split(r"[/?#]", rest, maxsplit=1)[0]) if separator else None


def normal_host(host: str | None) -> str | None:
    """A Host header or an authority as it is compared: lower case, without user, port and the root's dot."""
    name = (host or "").rpartition("@")[2].strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0] or None
    return name.partition(":")[0].removesuffix(".") or None
