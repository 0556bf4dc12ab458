"""Streams minute by minute."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from sqlalchemy import BigInteger, Text, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base, Database, upsert
from oxbow.rooms.live.store.tables import HUB_NAME, STREAM_NAME
from oxbow.rooms.live.usage.models import MINUTE, MinuteRow, StreamMinute

DAY = 86_400
PRUNED_MINUTES = 10
"""Each writing deletes at most so many minutes that are too old, so that it never takes long."""


class StreamMinuteRow(Base):
    """The minute comes first in the key: a minute's rows are written side by side, and deleted so."""

    __tablename__ = "live_stream_minute"
    __table_args__ = ({"sqlite_with_rowid": False},)

    minute: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hub: Mapped[str] = mapped_column(HUB_NAME, primary_key=True)
    stream: Mapped[str] = mapped_column(STREAM_NAME, primary_key=True)
    stats: Mapped[str] = mapped_column(Text)
    """JSON, the fields of StreamMinute in a list."""


class MinuteStore:
    """:param days: how long minutes are kept.
    :param clock: Unix seconds."""

    def __init__(self, database: Database, days: int, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._days = days
        self._clock = clock

    async def write(self, rows: list[MinuteRow]) -> None:
        """Write all rows or none, and delete some that are too old."""
        values = [
            {**row._asdict(), "stats": msgspec.json.encode(row.stats).decode()}
            for row in sorted(rows, key=lambda row: row[:3])
        ]
        async with self._database.session() as session:
            insert = upsert(session, StreamMinuteRow)
            keys = [StreamMinuteRow.minute, StreamMinuteRow.hub, StreamMinuteRow.stream]
            statement = insert.on_conflict_do_update(
                index_elements=keys, set_={"stats": insert.excluded.stats}
            )
            await session.execute(statement, values)
            oldest = await session.scalar(select(func.min(StreamMinuteRow.minute))) or 0
            until = min(self._clock() - self._days * DAY, oldest + PRUNED_MINUTES * MINUTE)
            await session.execute(delete(StreamMinuteRow).where(StreamMinuteRow.minute < int(until)))

    async def between(self, hub: str, stream: str, start: int, end: int) -> list[tuple[int, StreamMinute]]:
        """The minutes that began from `start` to `end`, in order."""
        # Each minute is looked up by its whole key, since minutes are not next to each other in the table.
        minutes = range(-(-start // MINUTE) * MINUTE, end + 1, MINUTE)
        query = (
            select(StreamMinuteRow.minute, StreamMinuteRow.stats)
            .where(StreamMinuteRow.minute.in_(minutes))
            .where(StreamMinuteRow.hub == hub, StreamMinuteRow.stream == stream)
            .order_by(StreamMinuteRow.minute)
        )
        async with self._database.session(readonly=True) as session:
            rows = await session.execute(query)
            return [(minute, msgspec.json.decode(stats, type=StreamMinute)) for minute, stats in rows]
