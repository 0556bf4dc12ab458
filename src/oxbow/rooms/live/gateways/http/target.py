"""What a request of the media port is about: its path and query, by the rewrite rules of the domain it names,
and the session that an HLS playlist of ours put into it."""

from __future__ import annotations

import re
from typing import NamedTuple

from oxbow.rooms.live.addresses import normal_host
from oxbow.rooms.live.gateways.http.request import Request
from oxbow.rooms.live.snapshot import ConfigSnapshot
from oxbow.rooms.live.url_rewrite import split_url
from oxbow.rooms.live.worker.shelf import SESSION

SEGMENT = re.compile(r"(/[^/]+/[^/]+)/([0-9a-f]{1,16})-([0-9]{1,18})\.ts")
"""Stream, broadcast and number."""


class Target(NamedTuple):
    """What counts of a request's target."""

    path: str
    query: str
    is_rewritten: bool = False
    """Whether what the client typed differs, so that nothing can be found relative to it."""


def target_of(config: ConfigSnapshot, request: Request, *, secure: bool) -> Target:
    """Addresses that a playlist of ours handed out are those of the server already. AddressError for one
    that the rules make nothing of."""
    typed = Target(request.path, request.query)
    host = request.headers.get("host", "")
    domain = config.domains.get(normal_host(host) or "")
    if domain is None or not domain.url_rewrite.active or split_session(typed.query)[1] is not None:
        return typed
    kind = "ws" if request.headers.get("upgrade", "").lower() == "websocket" else "http"
    url = f"{kind}{'s' if secure else ''}://{host}{request.target.decode('latin-1')}"
    rewritten = domain.url_rewrite.rewrite(url)
    return typed if rewritten is None else Target(*split_url(rewritten), is_rewritten=True)


def split_session(query: str) -> tuple[str, str | None]:
    """A playlist's or segment's query without the session that we added to it, and the session."""
    kept, session = [], None
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "session" and SESSION.fullmatch(value):
            session = value
        elif part:
            kept.append(part)
    return "&".join(kept), session
