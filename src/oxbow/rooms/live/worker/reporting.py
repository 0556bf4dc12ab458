"""What a worker tells control once a second."""

from oxbow.rooms.live.control.messages import Report, Share, StreamReport
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.watching import AudienceFigures

_NOBODY = AudienceFigures()


def make_report(plane: Plane, seconds: float, connections: int) -> Report:
    """Collect the figures of everything this worker carries; counters begin anew."""
    published = plane.publishing.figures()
    received = plane.publishing.received()
    watched = plane.watching.figures()
    fetched = plane.shelf.figures()
    streams = []
    for key in published.keys() | received.keys() | watched.keys() | fetched.keys():
        audience = watched.get(key, _NOBODY)
        shares = [
            Share(way.domain, protocol, way.area, way.isp, viewers, sent)
            for (protocol, way), (viewers, sent) in audience.shares.items()
        ]
        shares += [
            Share(way.domain, "hls", way.area, way.isp, 0, share.sent_bytes, list(share.sessions))
            for way, share in fetched.get(key, {}).items()
        ]
        streams.append(
            StreamReport(
                hub=key[0],
                stream=key[1],
                publisher=published.get(key),
                shares=shares,
                received=received.get(key, []),
                skipped_bytes=audience.skipped_bytes,
                dropped_viewers=audience.dropped,
            )
        )
    refused = dict(plane.refused)
    plane.refused.clear()
    return Report(
        seconds=seconds,
        connections=connections,
        streams=streams,
        refused=refused,
        refusals=plane.refusals.take(),
        version=plane.config.version,
    )
