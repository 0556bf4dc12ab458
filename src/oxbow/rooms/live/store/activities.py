"""The history of broadcasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from sqlalchemy import case, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database, upsert
from oxbow.rooms.live.history import HistoryEntry
from oxbow.rooms.live.models import Activity, Stream
from oxbow.rooms.live.store.rows import activity_of, find_hub, values_of
from oxbow.rooms.live.store.tables import ActivityRow, StreamRow

MAX_ROWS = 5000
"""What one question about the history answers at most, newest first."""
_CHUNK = 500
"""Ids in one statement; SQLite bounds the number of its parameters."""


class ActivityStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write_history(self, entries: Sequence[HistoryEntry]) -> None:
        """Write all entries or none; again is as good as once."""
        async with self._database.session() as session:
            for entry in entries:
                if entry.started is not None:
                    await _write_start(session, entry.started, entry)
            known = [entry for entry in entries if entry.started is None]
            await _write_seen(session, (entry for entry in known if entry.ended_at is None))
            for entry in known:
                if entry.ended_at is not None:
                    await _write_end(session, entry.id, entry.ended_at)

    async def between(self, hub: str, stream: str, start: int, end: int) -> list[Activity]:
        """Broadcasts that were on at any moment from `start` to `end`, newest first."""
        last = func.coalesce(ActivityRow.ended_at, ActivityRow.seen_at)
        query = (
            select(ActivityRow)
            .where(ActivityRow.hub == hub, ActivityRow.stream == stream)
            .where(ActivityRow.started_at <= end, last >= start)
            .order_by(ActivityRow.started_at.desc(), ActivityRow.id)
            .limit(MAX_ROWS)
        )
        async with self._database.session(readonly=True) as session:
            return [activity_of(row) for row in await session.scalars(query)]

    async def abandoned(self, node: str) -> list[Activity]:
        """What a server left open when it died."""
        query = select(ActivityRow).where(ActivityRow.node == node, ActivityRow.ended_at.is_(None))
        async with self._database.session(readonly=True) as session:
            return [activity_of(row) for row in await session.scalars(query)]

    async def close_abandoned(self, node: str) -> None:
        """End that, at the last moment it was seen."""
        query = update(ActivityRow).where(ActivityRow.node == node, ActivityRow.ended_at.is_(None))
        async with self._database.session() as session:
            await session.execute(query.values(ended_at=ActivityRow.seen_at, publisher=""))

    async def forget(self, before: int) -> None:
        """Delete what ended before a moment."""
        async with self._database.session() as session:
            await session.execute(delete(ActivityRow).where(ActivityRow.ended_at < before))


async def _write_start(session: AsyncSession, activity: Activity, entry: HistoryEntry) -> None:
    """Record a broadcast. Reported again, by a worker that outlived control, it is open again."""
    if await find_hub(session, activity.hub, hold=True) is None:
        return
    seen_at = max(activity.seen_at, entry.seen_at or 0)
    publisher = activity.publisher if entry.ended_at is None else ""
    row = replace(activity, seen_at=seen_at, ended_at=entry.ended_at, publisher=publisher)
    insert = upsert(session, ActivityRow).values(**values_of(row))
    new = insert.excluded
    latest = case((ActivityRow.seen_at > new.seen_at, ActivityRow.seen_at), else_=new.seen_at)
    again = {"node": new.node, "seen_at": latest, "ended_at": new.ended_at, "publisher": new.publisher}
    await session.execute(insert.on_conflict_do_update(index_elements=[ActivityRow.id], set_=again))
    # The stream may have been let in while the database was away, and not exist yet.
    created = Stream(activity.hub, activity.stream, activity.started_at, activity.started_at)
    stream = upsert(session, StreamRow).values(**values_of(created))
    await session.execute(stream.on_conflict_do_nothing())
    await _mark_published(session, activity.id, seen_at)


async def _write_seen(session: AsyncSession, entries: Iterable[HistoryEntry]) -> None:
    """One statement for many broadcasts, since a heartbeat names the same moment for all of them."""
    by_time: dict[int, list[str]] = defaultdict(list)
    for entry in entries:
        by_time[entry.seen_at or 0].append(entry.id)
    for seen_at, ids in by_time.items():
        for chunk in _chunks(ids):
            query = update(ActivityRow).where(ActivityRow.id.in_(chunk), ActivityRow.seen_at < seen_at)
            await session.execute(query.values(seen_at=seen_at))


async def _write_end(session: AsyncSession, id_: str, ended_at: int) -> None:
    query = update(ActivityRow).where(ActivityRow.id == id_)
    await session.execute(query.values(seen_at=ended_at, ended_at=ended_at, publisher=""))
    await _mark_published(session, id_, ended_at)


async def _mark_published(session: AsyncSession, id_: str, at: int) -> None:
    """A stream's time of expiry counts from its last broadcast."""
    which = select(ActivityRow.hub, ActivityRow.stream).where(ActivityRow.id == id_)
    query = update(StreamRow).where(tuple_(StreamRow.hub, StreamRow.key).in_(which))
    await session.execute(query.where(StreamRow.published_at < at).values(published_at=at))


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk
