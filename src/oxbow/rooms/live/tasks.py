"""The live room's work that goes on by itself: clearing away what time has made useless."""

from __future__ import annotations

from collections.abc import Callable

from oxbow.kernel.logs import get_logger
from oxbow.kernel.tasks import TaskContext, TaskKind, crash_point
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.store import ActivityStore, StreamStore

EVERY_SECONDS = 3600.0
AT_ONCE = 500
"""So many streams are deleted in one transaction: nobody who writes waits for long."""
DAY = 86_400

log = get_logger(__name__)


class Tidying:
    """Ended bans are lifted, expired streams and old history are deleted, once an hour.

    A stream expires at its `expireAt`, see the properties of a stream below https://developer.qiniu.com/pili.
    """

    def __init__(
        self,
        streams: StreamStore,
        activities: ActivityStore,
        cache: ConfigurationCache,
        settings: LiveSettings,
        clock: Callable[[], float],
    ) -> None:
        self._streams = streams
        self._activities = activities
        self._cache = cache
        self._settings = settings
        self._clock = clock

    @property
    def kind(self) -> TaskKind:
        """As the tasks of the house know it."""
        return TaskKind(
            "live.tidy",
            "Lift ended bans, clear away expired streams and old history",
            self.run,
            queue="live.tidy",
            concurrency=1,
            deadline_seconds=1800.0,
            backoff_seconds=60.0,
            every_seconds=EVERY_SECONDS,
        )

    async def run(self, context: TaskContext) -> None:
        """One round; each part may be done twice without harm."""
        await context.step("lift ended bans", self.lift_bans)
        await context.progress(0.1, "clearing away expired streams")
        cleared = 0
        while count := await context.step("clear expired streams", self.clear_streams):
            cleared += count
            await context.progress(0.5, f"{cleared} expired streams cleared away")
        await context.progress(0.9, "forgetting old history")
        await context.step("forget history", self.forget_history)
        await context.progress(1.0, f"{cleared} expired streams cleared away")

    async def lift_bans(self) -> None:
        """Streams whose ban is over need not be kept in memory."""
        await self._streams.lift_ended_bans(self._now())
        await self._cache.changed()

    async def clear_streams(self) -> int:
        """Delete some of the streams that nobody published for as long as their hub keeps them; how many."""
        days = self._settings.stream_expire_days
        expired = await self._streams.clear_expired(self._now(), days, limit=AT_ONCE)
        crash_point("live.tidy.cleared")
        if expired:
            log.info("expired_streams_cleared", count=len(expired))
            await self._cache.changed()
        return len(expired)

    async def forget_history(self) -> None:
        """Delete records of broadcasts that are older than they are kept."""
        await self._activities.forget(self._now() - self._settings.history_days * DAY)

    def _now(self) -> int:
        return int(self._clock())
