"""What statistics count is what real clients' sockets took."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

from e2e.media import Publisher, eventually

YESTERDAY = timedelta(days=1)


def flow(api, hub: str, way: str) -> int:
    """A hub's bytes of today, and of yesterday should midnight have passed."""
    begin = (datetime.now(ZoneInfo("Asia/Shanghai")) - YESTERDAY).strftime("%Y%m%d")
    rows = api.get(f"/statd/{way}?%24hub={hub}&begin={begin}&g=5min&select=flow")
    return sum(row["values"]["flow"] for row in rows)


def test_a_viewers_bytes_are_those_that_are_counted(new_server, clip, stream):
    with new_server(metering_flush_seconds=0.2) as server, server.client() as api:
        received = 0
        with Publisher(clip("h264+aac"), server.rtmp(f"live/{stream}")):
            url = server.http(f"live/{stream}.flv")
            with httpx.stream("GET", url, trust_env=False, timeout=20) as answer:
                for piece in answer.iter_raw():
                    received += len(piece)
                    if received > 300_000:
                        break
        sizes = []

        def settled() -> int:
            sizes.append(flow(api, "live", "downflow"))
            return sizes[-1] if len(sizes) > 1 and sizes[-1] == sizes[-2] and sizes[-1] > 0 else 0

        sent = eventually(settled, "the traffic to be counted")
        # What the kernel took and the viewer never read is sent all the same: at most its socket's buffers.
        assert received <= sent < received + 8_000_000
        assert eventually(lambda: flow(api, "live", "upflow"), "the publisher's bytes") > 100_000


def test_a_graceful_end_loses_nothing_that_was_counted(new_server, clip, stream):
    server = new_server(metering_flush_seconds=60)
    with server, Publisher(clip("h264+aac"), server.rtmp(f"live/{stream}")), server.client() as api:
        sent = eventually(lambda: api.get("/v2/server")["streams"], "the stream to be live")
        assert sent == 1
        url = server.http(f"live/{stream}.flv")
        with httpx.stream("GET", url, trust_env=False, timeout=20) as answer:
            received = len(next(answer.iter_raw(100_000)))
        eventually(lambda: api.get("/v2/server")["sentBytes"] >= received, "the report")
    with server, server.client() as api:
        assert flow(api, "live", "downflow") >= received
