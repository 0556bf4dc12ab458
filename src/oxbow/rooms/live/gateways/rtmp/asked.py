"""What an RTMP client asked for, as the record of its refusal tells it."""

from oxbow.rooms.live.addresses import RtmpAddress
from oxbow.rooms.live.worker.refusals import Asked


def asked_over_rtmp(what: str, peer: str, base: str, name: str, address: RtmpAddress | None) -> Asked:
    """`base` is tcUrl or the app, `name` the stream's; both as typed, with the query in either."""
    path, _, query = base.partition("?")
    name_path, _, name_query = name.partition("?")
    queries = "&".join(part for part in (query, name_query) if part)
    place = f"{path.rstrip('/')}/{name_path}" if name_path else path
    url = f"{place}?{queries}" if queries else place
    if address is None:
        return Asked(what, "rtmp", peer, url)
    return Asked(what, "rtmp", peer, url, address.hub, address.stream, address.domain or "")
