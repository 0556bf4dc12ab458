"""A report of a media worker in few words."""

from __future__ import annotations

from oxbow.rooms.live.control.messages import Figures, Kind, Received, Share, StreamReport
from reports import received_from, share_of


def share(
    sent: int, domain: str = "", area: str = "", protocol: str = "flv", isp: str = "", viewers: int = 1
) -> Share:
    return share_of(Kind(domain, protocol, area, isp), viewers, sent)


def received(size: int, domain: str = "", area: str = "") -> Received:
    return received_from(Kind(domain, "rtmp", area, ""), size)


def stream_report(
    stream: str, *what: Share | Received, hub: str = "live", publisher: Figures | None = None
) -> StreamReport:
    return StreamReport(
        hub,
        stream,
        publisher,
        shares=[one for one in what if isinstance(one, Share)],
        received=[one for one in what if isinstance(one, Received)],
    )
