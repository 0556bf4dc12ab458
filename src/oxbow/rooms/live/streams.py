"""What can be done with streams. An account is named by its id."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oxbow.rooms.live.board import LiveDetails, LiveInfo
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.errors import BadArgument, LiveNotFound, StreamNotFound
from oxbow.rooms.live.hubs import check_publish_key
from oxbow.rooms.live.models import (
    STREAM_NAME_RULE,
    Activity,
    PublishSecurity,
    Stream,
    is_disabled,
    is_stream_name,
)
from oxbow.rooms.live.on_air import LiveStreams
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.store import ActivityStore, ConfigurationStore, StreamStore
from oxbow.rooms.live.store.streams import new_stream


class StreamService:
    """Every method raises HubNotFound for a hub that is not there or is another account's."""

    def __init__(
        self,
        hubs: ConfigurationStore,
        streams: StreamStore,
        activities: ActivityStore,
        cache: ConfigurationCache,
        live: LiveStreams,
        settings: LiveSettings,
        clock: Callable[[], float],
    ) -> None:
        self._hubs = hubs
        self._streams = streams
        self._activities = activities
        self._cache = cache
        self._live = live
        self._settings = settings
        self._clock = clock

    async def create(self, account: int, hub: str, key: str) -> None:
        """BadArgument, StreamExists."""
        if not is_stream_name(key):
            raise BadArgument("key", f"must be {STREAM_NAME_RULE}")
        await self._streams.create(new_stream(hub, key, self._now()), account)

    async def page(
        self, account: int, hub: str, *, live_only: bool, prefix: str, after: str, limit: int
    ) -> Sequence[str]:
        """At most `limit` names in their bytes' order, behind `after`."""
        if not live_only:
            return await self._streams.page(hub, account, prefix=prefix, after=after, limit=limit)
        await self._hubs.hub(hub, account)
        return await self._live.names(hub, prefix, after, limit)

    def disabled_among(self, hub: str, keys: Sequence[str]) -> dict[str, Stream]:
        """Those that are disabled now, by name."""
        known, now = self._cache.current.particular, self._clock()
        found = ((key, known.get((hub, key))) for key in keys)
        return {key: stream for key, stream in found if stream is not None and stream.disabled_at(now)}

    async def info(self, account: int, hub: str, key: str) -> tuple[Stream, int]:
        """A stream, and the days after which it expires unused; StreamNotFound."""
        found, _ = await self._hubs.hub(hub, account)
        stream = await self._streams.get(hub, key, account)
        return stream, found.live_data_expire_days or self._settings.stream_expire_days

    async def delete(self, account: int, hub: str, key: str) -> None:
        """StreamNotFound. Who publishes or watches it is cut off."""
        await self._streams.delete(hub, key, account)
        await self._cache.changed()
        await self._live.cut(hub, key, "stream_deleted")

    async def set_security(
        self, account: int, hub: str, key: str, security: PublishSecurity, publish_key: str
    ) -> None:
        """What counts for the stream's next publish; StreamNotFound, BadArgument."""
        check_publish_key(security, publish_key)
        changes = {"publish_security": security.value, "publish_key": publish_key}
        await self._streams.change(hub, key, account, self._now(), **changes)
        await self._cache.changed()

    async def disable(self, account: int, hub: str, key: str, till: int, reason: str = "") -> None:
        """Forbid publishing until a moment, or FOREVER, and cut off who is there; 0 allows it again."""
        changes = {"disabled_till": till, "disabled_reason": reason if till else ""}
        await self._streams.change(hub, key, account, self._now(), **changes)
        await self._cache.changed()
        if is_disabled(till, self._clock()):
            await self._live.cut(hub, key, "stream_disabled")

    async def live(self, account: int, hub: str, key: str) -> LiveInfo | None:
        """A stream's figures, None while it is not live; LiveNotFound."""
        await self._hubs.hub(hub, account)
        info = (await self._live.infos(hub, [key])).get(key)
        if info is None and await self._streams.find(hub, key) is None:
            raise LiveNotFound
        return info

    async def details(self, account: int, hub: str, key: str) -> LiveDetails | None:
        """What a stream is made of and who watches it, None while it is not live; LiveNotFound."""
        await self.live(account, hub, key)
        return await self._live.details(hub, key)

    async def live_among(self, account: int, hub: str, keys: Sequence[str]) -> list[tuple[str, LiveInfo]]:
        """The figures of those that are live, in the order asked for and each once."""
        await self._hubs.hub(hub, account)
        figures = await self._live.infos(hub, list(dict.fromkeys(keys)))
        return [(key, figures[key]) for key in dict.fromkeys(keys) if key in figures]

    async def history(self, account: int, hub: str, key: str, start: int, end: int) -> list[Activity]:
        """Broadcasts that were on between two moments, newest first; `end` 0 is now. StreamNotFound."""
        end = end or self._now()
        if start > end:
            raise BadArgument("start", "must not be after end")
        await self._hubs.hub(hub, account)
        if await self._streams.find(hub, key) is None:
            raise StreamNotFound
        return await self._activities.between(hub, key, start, end)

    def now(self) -> float:
        """Unix seconds by this service's clock."""
        return self._clock()

    def _now(self) -> int:
        return int(self._clock())
