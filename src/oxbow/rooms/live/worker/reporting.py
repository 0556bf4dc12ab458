"""What a worker tells control once a second."""

from oxbow.rooms.live.control.messages import Report, StreamReport
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.shelf import ShelfFigures
from oxbow.rooms.live.worker.watching import AudienceFigures

_NOBODY = AudienceFigures()
_NOTHING = ShelfFigures([], 0)


def make_report(plane: Plane, seconds: float, connections: int) -> Report:
    """Collect the figures of everything this worker carries; counters begin anew."""
    published = plane.publishing.figures()
    watched = plane.watching.figures()
    fetched = plane.shelf.figures()
    streams = []
    for key in published.keys() | watched.keys() | fetched.keys():
        audience, shelf = watched.get(key, _NOBODY), fetched.get(key, _NOTHING)
        streams.append(
            StreamReport(
                hub=key[0],
                stream=key[1],
                publisher=published.get(key),
                viewers=dict(audience.viewers),
                hls_sessions=shelf.sessions,
                sent_bytes=audience.sent_bytes + shelf.sent_bytes,
                skipped_bytes=audience.skipped_bytes,
                dropped_viewers=audience.dropped,
            )
        )
    refused = dict(plane.refused)
    plane.refused.clear()
    return Report(seconds=seconds, connections=connections, streams=streams, refused=refused)
