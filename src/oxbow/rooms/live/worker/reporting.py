"""What a worker tells control once a second."""

from collections.abc import Hashable

from oxbow.rooms.live.control.messages import Kind, Received, Report, Share, StreamReport
from oxbow.rooms.live.ways import Way
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.shelf import ShelfShare
from oxbow.rooms.live.worker.watching import AudienceFigures

_NOBODY = AudienceFigures()


class _Numbers(dict[Hashable, int]):
    """The places of one protocol's ways in a report's table, which grows as they are asked for."""

    def __init__(self, protocol: str, kinds: list[Kind]) -> None:
        self._protocol = protocol
        self._kinds = kinds

    def __missing__(self, key: Hashable) -> int:
        way = key if isinstance(key, Way) else Way()
        number = self[key] = len(self._kinds)
        self._kinds.append(Kind(way.domain, self._protocol, way.area, way.isp))
        return number


class _Kinds(dict[str, _Numbers]):
    """A report's table of ways, by protocol."""

    def __init__(self) -> None:
        self.told: list[Kind] = []

    def __missing__(self, protocol: str) -> _Numbers:
        numbers = self[protocol] = _Numbers(protocol, self.told)
        return numbers


def make_report(plane: Plane, seconds: float, connections: int) -> Report:
    """Collect the figures of everything this worker carries; counters begin anew."""
    published = plane.publishing.figures()
    received = plane.publishing.received()
    watched = plane.watching.figures()
    fetched = plane.shelf.figures()
    kinds = _Kinds()
    streams = []
    for key in published.keys() | received.keys() | watched.keys() | fetched.keys():
        audience = watched.get(key, _NOBODY)
        shares = _connected(audience, kinds)
        if key in fetched:
            shares += _fetching(fetched[key], kinds["hls"])
        came = [Received(kinds[protocol][way], size) for protocol, way, size in received.get(key, ())]
        streams.append(
            StreamReport(
                key[0],
                key[1],
                published.get(key),
                shares,
                came,
                audience.skipped_bytes,
                audience.dropped,
            )
        )
    refused = dict(plane.refused)
    plane.refused.clear()
    return Report(
        seconds=seconds,
        connections=connections,
        streams=streams,
        refused=refused,
        kinds=kinds.told,
        refusals=plane.refusals.take(),
        version=plane.config.version,
    )


def _connected(audience: AudienceFigures, kinds: _Kinds) -> list[Share]:
    shares = []
    for protocol, tallies in audience.tallies:
        numbers = kinds[protocol]
        shares += [Share(numbers[way], viewers, sent) for way, viewers, sent in tallies]
    return shares


def _fetching(shares: dict[Way, ShelfShare], numbers: _Numbers) -> list[Share]:
    return [
        Share(numbers[way], 0, share.sent_bytes, tuple(share.sessions))
        for way, share in shares.items()
        if share.sent_bytes or share.sessions
    ]
