"""What is live anywhere: on this server by its board, on others by what they write beside their claims."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge

from oxbow.rooms.live.board import Broadcast, LiveBoard, LiveDetails, LiveInfo
from oxbow.rooms.live.store.claims import ClaimStore


class LiveStreams:
    """Figures of another server's streams are a second old. Where there may be others, everything here raises
    DatabaseUnavailableError while the database is away."""

    def __init__(self, board: LiveBoard, claims: ClaimStore) -> None:
        self._board = board
        self._claims = claims

    async def names(self, hub: str, prefix: str, after: str, limit: int) -> list[str]:
        """At most `limit` names of the hub's live streams in their bytes' order, behind `after`."""
        here = [name for name in self._board.live_names(hub, prefix) if name > after][:limit]
        if not self._claims.shared:
            return here
        there = await self._claims.names_elsewhere(hub, prefix, after, limit)
        return list(dict.fromkeys(merge(here, there)))[:limit]

    async def count(self, hub: str, *, without: str = "") -> int:
        """How many of the hub's streams are live, one left out."""
        elsewhere = await self._claims.count_elsewhere(hub, without) if self._claims.shared else 0
        return self.count_here(hub, without=without) + elsewhere

    def count_here(self, hub: str, *, without: str = "") -> int:
        """How many of them this server carries."""
        return len(self._board.live_names(hub)) - (self._board.get(hub, without) is not None)

    async def infos(self, hub: str, streams: Sequence[str]) -> dict[str, LiveInfo]:
        """The figures of those that are live, by name."""
        here = {stream: info for stream in streams if (info := self._board.info(hub, stream)) is not None}
        there = await self._elsewhere(hub, [stream for stream in streams if stream not in here])
        return here | {stream: broadcast.info for stream, broadcast in there.items()}

    async def details(self, hub: str, stream: str) -> LiveDetails | None:
        """What a stream is made of and who watches it, None while it is not live."""
        details = self._board.details(hub, stream)
        if details is not None:
            return details
        broadcast = (await self._elsewhere(hub, [stream])).get(stream)
        return None if broadcast is None else broadcast.details

    async def is_taken(self, hub: str, stream: str) -> bool:
        """Whether somebody publishes the stream who doesn't give way by being silent."""
        on_air = self._board.get(hub, stream)
        if on_air is not None:
            return not on_air.is_stale
        broadcast = (await self._elsewhere(hub, [stream])).get(stream)
        return broadcast is not None and not broadcast.is_stale

    async def cut(self, hub: str, stream: str, reason: str) -> None:
        """Disconnect a stream's publisher and viewers: here at once, on another server within a second."""
        if self._claims.shared:
            await self._claims.order_cut(hub, stream, reason)
        await self._board.cut(hub, stream, reason)

    async def _elsewhere(self, hub: str, streams: Sequence[str]) -> dict[str, Broadcast]:
        return await self._claims.elsewhere(hub, streams) if streams and self._claims.shared else {}
