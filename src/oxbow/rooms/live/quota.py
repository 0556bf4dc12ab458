"""How many streams of a hub may be live at once."""

from __future__ import annotations

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.rooms.live.on_air import LiveStreams
from oxbow.rooms.live.policy import PublishRefused


class PublisherQuota:
    """:param limit: 0 for any number. Streams that servers let in at the same moment may exceed it."""

    def __init__(self, limit: int, live: LiveStreams) -> None:
        self._limit = limit
        self._live = live

    async def check(self, hub: str, stream: str) -> None:
        """PublishRefused if so many other streams of the hub are live that this one may not begin."""
        if not self._limit:
            return
        try:
            others = await self._live.count(hub, without=stream)
        except DatabaseUnavailableError:
            others = self._live.count_here(hub, without=stream)
        if others >= self._limit:
            text = f"{others} streams of the hub are live, it may have {self._limit} at once"
            wanted = f"less than {self._limit}"
            raise PublishRefused("too_many_publishers", text, found=str(others), wanted=wanted)
