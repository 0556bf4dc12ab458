"""Which server publishes which stream, for servers that share a PostgreSQL.

SQLite serves one server, whose board knows everything: there the table stays empty, and nobody asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Float, String, Text, delete, extract, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from oxbow.kernel.database import Base, Database
from oxbow.rooms.live.board import Broadcast
from oxbow.rooms.live.store.tables import HUB_NAME, STREAM_NAME

CLAIM_SECONDS = 5.0
"""After so long without a sign of life, by the database's clock, a stream belongs to whoever comes."""

_NOW = extract("epoch", func.clock_timestamp())
# Rows in one order, or two servers that claim the same streams at once would wait for each other.
_CLAIM = text("""
    INSERT INTO live_on_air AS held
        (hub, stream, node, session, started_at, seen_at, stale, cut, figures)
    SELECT hub, stream, CAST(:node AS text), session, started_at,
        extract(epoch FROM clock_timestamp()), stale, '', figures
    FROM unnest(
        CAST(:hubs AS text[]), CAST(:streams AS text[]), CAST(:sessions AS text[]),
        CAST(:started AS double precision[]), CAST(:stale AS boolean[]), CAST(:figures AS text[])
    ) AS new (hub, stream, session, started_at, stale, figures)
    ORDER BY hub COLLATE "C", stream COLLATE "C"
    ON CONFLICT (hub, stream) DO UPDATE SET
        node = excluded.node, session = excluded.session, started_at = excluded.started_at,
        seen_at = excluded.seen_at, stale = excluded.stale, figures = excluded.figures,
        cut = CASE WHEN held.session = excluded.session THEN held.cut ELSE '' END
    WHERE held.node = excluded.node OR :takeover
        OR (:inherit AND (held.stale OR held.seen_at < excluded.seen_at - :patience))
    RETURNING session, cut
""")


class OnAirRow(Base):
    """Not logged in PostgreSQL: it is written anew each second, and whatever a crash of the database takes
    with it is there again with the next second."""

    __tablename__ = "live_on_air"

    hub: Mapped[str] = mapped_column(HUB_NAME, primary_key=True)
    stream: Mapped[str] = mapped_column(STREAM_NAME, primary_key=True)
    node: Mapped[str] = mapped_column(String(255))
    session: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[float] = mapped_column(Float)
    seen_at: Mapped[float] = mapped_column(Float)
    stale: Mapped[bool]
    """Whether nothing comes from the publisher: it gives way to another one."""
    cut: Mapped[str] = mapped_column(String(64))
    """Why its server is to cut it; empty while it may go on."""
    figures: Mapped[str] = mapped_column(Text)
    """JSON of a Broadcast."""


@dataclass(frozen=True)
class Held:
    """What the database says of a stream that this server claims."""

    session: str
    cut: str
    """Why it is to be cut; empty while it may go on."""


class ClaimStore:
    """:param node: this server's name among those that share the database."""

    def __init__(self, database: Database, node: str) -> None:
        self._database = database
        self._node = node

    @property
    def shared(self) -> bool:
        """Whether there may be other servers; where not, nothing here asks the database."""
        return self._database.backend == "postgresql"

    async def claim(
        self, broadcasts: Sequence[Broadcast], *, takeover: bool = False, inherit: bool = False
    ) -> list[Held]:
        """Hold these streams for a further CLAIM_SECONDS, in one statement; those that are another's are
        missing from the answer.

        :param takeover: take another server's, too.
        :param inherit: take another server's if its publisher or the server itself is silent.
        """
        parameters = {
            "node": self._node,
            "takeover": takeover,
            "inherit": inherit,
            "patience": CLAIM_SECONDS,
            "hubs": [one.publisher.hub for one in broadcasts],
            "streams": [one.publisher.stream for one in broadcasts],
            "sessions": [one.publisher.session for one in broadcasts],
            "started": [one.publisher.started_at for one in broadcasts],
            "stale": [one.is_stale for one in broadcasts],
            "figures": [msgspec.json.encode(one).decode() for one in broadcasts],
        }
        async with self._database.session() as session:
            return [Held(*row) for row in await session.execute(_CLAIM, parameters)]

    async def release(self, sessions: Iterable[str]) -> None:
        """These broadcasts have ended."""
        query = delete(OnAirRow).where(OnAirRow.node == self._node, OnAirRow.session.in_(list(sessions)))
        async with self._database.session() as session:
            await session.execute(query)

    async def order_cut(self, hub: str, stream: str, reason: str) -> None:
        """Have the server that carries the stream, if it is another, cut it with its next sign of life."""
        query = update(OnAirRow).where(*_of(hub, stream), OnAirRow.node != self._node)
        async with self._database.session() as session:
            await session.execute(query.values(cut=reason))

    async def elsewhere(self, hub: str, streams: Sequence[str]) -> dict[str, Broadcast]:
        """Those of the streams that other servers carry now, by name."""
        query = select(OnAirRow.stream, OnAirRow.figures).where(
            OnAirRow.hub == hub, OnAirRow.stream.in_(streams), *self._alive()
        )
        async with self._database.session(readonly=True) as session:
            rows = await session.execute(query)
            return {stream: msgspec.json.decode(figures, type=Broadcast) for stream, figures in rows}

    async def names_elsewhere(self, hub: str, prefix: str, after: str, limit: int) -> list[str]:
        """At most `limit` names of the hub's streams that other servers carry now, sorted, behind `after`."""
        query = (
            select(OnAirRow.stream)
            .where(OnAirRow.hub == hub, OnAirRow.stream > after, *self._alive())
            .where(OnAirRow.stream.startswith(prefix, autoescape=True))
            .order_by(OnAirRow.stream)
            .limit(limit)
        )
        async with self._database.session(readonly=True) as session:
            return list(await session.scalars(query))

    async def count_elsewhere(self, hub: str, without: str) -> int:
        """How many of the hub's streams other servers carry now, one left out."""
        query = select(func.count()).where(OnAirRow.hub == hub, OnAirRow.stream != without, *self._alive())
        async with self._database.session(readonly=True) as session:
            return await session.scalar(query) or 0

    def _alive(self) -> tuple[ColumnElement[bool], ...]:
        seen_lately = OnAirRow.seen_at > _NOW - CLAIM_SECONDS
        return OnAirRow.node != self._node, seen_lately


def _of(hub: str, stream: str) -> tuple[ColumnElement[bool], ...]:
    return OnAirRow.hub == hub, OnAirRow.stream == stream
