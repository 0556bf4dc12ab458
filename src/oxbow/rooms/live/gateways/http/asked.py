"""What an HTTP viewer asked for, as the record of its refusal tells it."""

import re
from urllib.parse import unquote

from oxbow.kernel.refusals.models import PLAY
from oxbow.rooms.live.addresses import normal_host
from oxbow.rooms.live.gateways.http.request import Request
from oxbow.rooms.live.models import HUB_NAME, STREAM_NAME
from oxbow.rooms.live.worker.refusals import Asked

_PLACE = re.compile(rf"/({HUB_NAME.pattern})/({STREAM_NAME.pattern})(?:[./]|\Z)")


def asked_over_http(request: Request, websocket: bool, peer: str) -> Asked:
    """As much as can be read of it; hub and stream are empty where the path names none."""
    host = request.headers.get("host", "")
    path = unquote(request.path)
    place = _PLACE.match(path)
    scheme = "ws" if websocket else "http"
    return Asked(
        what=PLAY,
        protocol="ws" if websocket else "flv" if path.endswith(".flv") else "hls",
        peer=peer,
        url=f"{scheme}://{host}{request.target.decode('latin-1')}",
        hub=place[1] if place else "",
        stream=place[2] if place else "",
        domain=normal_host(host) or "",
    )
