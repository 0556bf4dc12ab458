"""The storage room's work that goes on by itself: what time changes, and clearing away what nobody needs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from oxbow.kernel.blobs import BlobStore as Bytes
from oxbow.kernel.database import Database
from oxbow.kernel.logs import get_logger
from oxbow.kernel.tasks import TaskContext, TaskKind, crash_point
from oxbow.rooms.storage.store import (
    Actor,
    BlobStore,
    BlockStore,
    PartStore,
    TransitionStore,
    TrashStore,
)

AT_ONCE = 500
"""Blobs whose references are looked up together."""

log = get_logger(__name__)


class Sweeping:
    """Objects whose time has come change or go, the trash is purged, unfinished uploads are forgotten, and
    blobs that nobody refers to are deleted.

    Everything may be done twice, and stopped anywhere: bytes go last, after all that could lead to them.

    :param seconds: how often this is done, and how old a blob must be that nobody refers to: one that is
        younger may belong to an upload that is just about to be kept.
    """

    def __init__(
        self, database: Database, blobs: Bytes, seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._blobs = blobs
        self._references = BlobStore(database)
        self._transitions = TransitionStore(database)
        self._trash = TrashStore(database)
        self._blocks = BlockStore(database)
        self._parts = PartStore(database)
        self._seconds = seconds
        self._clock = clock

    @property
    def kind(self) -> TaskKind:
        """As the tasks of the house know it."""
        return TaskKind(
            "storage.sweep",
            "Apply objects' lifecycles, purge the trash, clear away unfinished uploads and unused bytes",
            self.run,
            queue="storage.sweep",
            concurrency=1,
            deadline_seconds=6 * 3600.0,
            backoff_seconds=60.0,
            every_seconds=self._seconds,
        )

    async def run(self, context: TaskContext) -> None:
        """One round."""
        changed = await self._all(context, "apply lifecycles", self.apply_lifecycles)
        await context.progress(0.2, f"{changed} objects changed; purging the trash")
        purged = await self._all(context, "purge the trash", self.purge_trash)
        await context.progress(0.4, f"{purged} entries of the trash purged; forgetting unfinished uploads")
        await self._all(context, "forget blocks", self.forget_blocks)
        await self._all(context, "forget parts", self.forget_parts)
        await context.progress(0.6, "deleting unused bytes")
        deleted = await context.step("delete unused bytes", self.delete_unused)
        await context.progress(1.0, f"{changed} objects changed, {purged} purged, {deleted} blobs deleted")

    async def _all(self, context: TaskContext, name: str, some: Callable[[], Awaitable[int]]) -> int:
        total = 0
        while count := await context.step(name, some):
            total += count
        return total

    async def apply_lifecycles(self) -> int:
        """Some of the objects whose time has come; how many."""
        return await self._transitions.apply_due(Actor("lifecycle", self._now()))

    async def purge_trash(self) -> int:
        """Some of what was in the trash for long enough; how many."""
        return await self._trash.purge_due(self._now())

    async def forget_blocks(self) -> int:
        """Some of the blocks that expired; how many."""
        return await self._blocks.sweep(self._now())

    async def forget_parts(self) -> int:
        """Some of the parts of uploads that expired; how many."""
        return await self._parts.sweep(self._now())

    async def delete_unused(self) -> int:
        """Delete every blob that nobody refers to, unless it is young; how many."""
        await self._blobs.open()
        before, deleted = self._clock() - self._seconds, 0
        batch: list[str] = []
        async for name in self._blobs.names(before):
            batch.append(name)
            if len(batch) == AT_ONCE:
                deleted += await self._delete(batch, before)
                batch = []
        deleted += await self._delete(batch, before)
        if deleted:
            log.info("unused_bytes_deleted", blobs=deleted)
        return deleted

    async def _delete(self, names: list[str], before: float) -> int:
        unused = sorted(await self._references.unreferenced(names))
        # The counters go first: a blob without one is found again, a counter without a blob is not.
        await self._references.forget(unused)
        crash_point("storage.sweep.forgotten")
        return sum([await self._blobs.delete(name, before) for name in unused])

    def _now(self) -> int:
        return int(self._clock())
