"""Answers about a stream's minutes: https://developer.qiniu.com/pili, the page on a stream's statistics."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.fields import query_integer
from oxbow.rooms.live.hubs import HubService
from oxbow.rooms.live.store.minutes import MinuteStore
from oxbow.rooms.live.usage.models import StreamMinute

DAY = 86_400
HOUR = 3600
MAX_TIME = 1 << 40


class StreamStats:
    """:param clock: Unix seconds."""

    def __init__(self, store: MinuteStore, hubs: HubService, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._hubs = hubs
        self._clock = clock

    async def ask(self, account: int, hub: str, stream: str, query: Mapping[str, str]) -> dict[str, Any]:
        """A stream's minutes, none for one that is not known; HubNotFound, BadArgument."""
        found, _ = await self._hubs.get(account, hub)
        start, end = self._period(query)
        # A hub of that name may have been somebody else's before, up to the minute in which it was created.
        rows = await self._store.between(hub, stream, max(start, found.created_at), end)
        return {"items": [_item(hub, stream, minute, stats) for minute, stats in rows]}

    def _period(self, query: Mapping[str, str]) -> tuple[int, int]:
        now = int(self._clock())
        end = query_integer(query, "end", 0, MAX_TIME) or now
        start = query_integer(query, "start", 0, MAX_TIME) or now - HOUR
        if start > end:
            raise BadArgument("start", "must not be after end")
        if end - start > DAY:
            raise BadArgument("start", "must be at most 24 hours before end")
        return start, end


def _item(hub: str, stream: str, minute: int, stats: StreamMinute) -> dict[str, Any]:
    return {"hub": hub, "time": minute, "stream": stream, "stats": _stats(stats)}


def _stats(stats: StreamMinute) -> dict[str, Any]:
    return {
        "bps": stats.bps,
        "videoFps": stats.video_fps,
        "audioFps": stats.audio_fps,
        "width": stats.width,
        "height": stats.height,
        "videoCodec": stats.video_codec,
        "videoProfile": stats.video_profile,
        "videoFrameRate": stats.frame_rate,
        "videoBitRate": stats.video_bps,
        "audioCodec": stats.audio_codec,
        "audioChannel": stats.channels,
        "audioSampleRate": stats.sample_rate,
        "audioBitRate": stats.audio_bps,
        "playCount": stats.play_count,
        "bandwidth": stats.bandwidth,
        "detailStats": [
            {
                "domain": one.domain,
                "type": one.type,
                "playCount": one.play_count,
                "bandwidth": one.bandwidth,
            }
            for one in stats.domains
        ],
    }
