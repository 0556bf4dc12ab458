"""Showing a stream's publisher and viewers out, and what they are told."""

from oxbow.rooms.live.refusing import Refused
from oxbow.rooms.live.worker.bit_rate import BIT_RATE_TOO_HIGH, TOLERANCE_SECONDS
from oxbow.rooms.live.worker.plane import Plane

STREAM_DISABLED = "stream_disabled"
_WORDS = {
    "ended": "the stream has ended",
    "not_live": "the stream is not live",
    "stream_deleted": "the stream was deleted",
    "taken_over": "another publisher has taken over",
    "stale": "nothing came from this publisher, and another one has taken over",
    "domain_disabled": "the domain is disabled",
    "too_slow": "the connection is too slow for the stream",
    "stalled": "the connection takes nothing any more",
}


def cut(plane: Plane, hub: str, stream: str, reason: str, *, viewers: bool = True) -> None:
    """Disconnect a stream's publisher, if it is here, and its viewers."""
    plane.publishing.cut(hub, stream, reason)
    if viewers:
        plane.watching.cut(hub, stream, reason)
        plane.shelf.cut(hub, stream)


def cut_banned(plane: Plane, now: float) -> None:
    """Enforce the configuration on what this worker carries, whoever banned it and wherever.

    So a ban holds on every server of a database, and whatever was restarted meanwhile.
    """
    if plane.config.banned:
        for hub, stream in plane.publishing.streams() | plane.watching.streams() | plane.shelf.streams():
            if plane.config.is_banned(hub, stream, now):
                cut(plane, hub, stream, STREAM_DISABLED)


def farewell(plane: Plane, hub: str, stream: str, reason: str) -> Refused:
    """Why somebody has to go, in words for them."""
    if reason == STREAM_DISABLED:
        return Refused(reason, plane.config.ban_text(hub, stream))
    if reason == BIT_RATE_TOO_HIGH:
        wanted = f"{plane.settings.publish_max_kbps} kbit/s"
        text = f"more than the server's {wanted} came for {TOLERANCE_SECONDS} seconds"
        return Refused(reason, text, wanted=wanted)
    return Refused(reason, _WORDS.get(reason, reason))
