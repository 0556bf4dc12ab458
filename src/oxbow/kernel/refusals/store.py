"""Refusals in the database; the only SQL about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Float,
    Index,
    Integer,
    String,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base, Database
from oxbow.kernel.refusals.ledger import Batch
from oxbow.kernel.refusals.models import Refusal

ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column of exactly this type."""


class RefusalRow(Base):
    __tablename__ = "refusal"
    __table_args__ = (
        Index("ix_refusal_account_hub_stream_id", "account", "hub", "stream", "id"),
        Index("ix_refusal_account_address_id", "account", "address", "id"),
    )

    id: Mapped[int] = mapped_column(ID, primary_key=True)
    reqid: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[float] = mapped_column(Float, index=True)
    account: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(16))
    rule: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(String(64))
    protocol: Mapped[str] = mapped_column(String(16))
    hub: Mapped[str] = mapped_column(String(64))
    stream: Mapped[str] = mapped_column(String(200))
    domain: Mapped[str] = mapped_column(String(253))
    url: Mapped[str] = mapped_column(Text)
    found: Mapped[str] = mapped_column(Text)
    wanted: Mapped[str] = mapped_column(Text)
    access_key: Mapped[str] = mapped_column(String(64))
    more: Mapped[int] = mapped_column(BigInteger)
    until: Mapped[float] = mapped_column(Float)


_COLUMNS = [column for column in RefusalRow.__table__.columns if column.key != "id"]
_LENGTHS = {column.key: getattr(column.type, "length", None) for column in _COLUMNS}


@dataclass(frozen=True)
class RefusalQuery:
    """What is asked for; an empty text or 0 asks for anything. Times are Unix seconds, both inclusive."""

    accounts: tuple[int, ...]
    """Whose refusals the asker may see."""
    reqid: str = ""
    what: str = ""
    hub: str = ""
    stream: str = ""
    address: str = ""
    rule: str = ""
    start: int = 0
    end: int = 0
    before: int = 0
    """The id at which the former page ended."""
    limit: int = 100


class RefusalStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, batch: Batch) -> None:
        """Write all of it or nothing. Writing it again is writing it once."""
        async with self._database.session() as session:
            known = await _known(session, list(batch.new))
            rows = [_values(refusal) for reqid, refusal in batch.new.items() if reqid not in known]
            if rows:
                await session.execute(insert(RefusalRow), rows)
            if batch.grown:
                connection = await session.connection()
                grown = [
                    {"of": refusal.reqid, "grown": refusal.more, "last": refusal.until}
                    for refusal in batch.grown.values()
                ]
                await connection.execute(_GROW, grown)

    async def find(self, query: RefusalQuery) -> list[tuple[int, Refusal]]:
        """The newest first, each with the id that the next page begins behind."""
        statement = select(RefusalRow).where(RefusalRow.account.in_(query.accounts), *_conditions(query))
        statement = statement.order_by(RefusalRow.id.desc()).limit(query.limit)
        async with self._database.session(readonly=True) as session:
            return [(row.id, _refusal(row)) for row in await session.scalars(statement)]

    async def forget(self, before: float, keep: int) -> None:
        """Delete what is older than a moment, and all but the newest `keep`."""
        async with self._database.session() as session:
            newest = (await session.scalars(select(func.max(RefusalRow.id)))).one() or 0
            old = (RefusalRow.at < before) | (RefusalRow.id <= newest - keep)
            await session.execute(delete(RefusalRow).where(old))


_GROW = (
    update(RefusalRow.__table__)  # type: ignore[arg-type]
    .where(RefusalRow.reqid == bindparam("of"))
    .values(more=bindparam("grown"), until=bindparam("last"))
)
_CHUNK = 500


async def _known(session: Any, reqids: Sequence[str]) -> set[str]:
    """Which were written already, by an attempt whose success was never heard of."""
    known: set[str] = set()
    for first in range(0, len(reqids), _CHUNK):
        chunk = reqids[first : first + _CHUNK]
        known.update(await session.scalars(select(RefusalRow.reqid).where(RefusalRow.reqid.in_(chunk))))
    return known


def _conditions(query: RefusalQuery) -> list[Any]:
    conditions = [
        getattr(RefusalRow, name) == value
        for name in ("reqid", "what", "hub", "stream", "address", "rule")
        if (value := getattr(query, name))
    ]
    if query.start:  # One that was counted on goes on until the last of its kind came.
        conditions.append((RefusalRow.at >= query.start) | (RefusalRow.until >= query.start))
    if query.end:
        conditions.append(RefusalRow.at < query.end + 1)
    if query.before:
        conditions.append(RefusalRow.id < query.before)
    return conditions


def _values(refusal: Refusal) -> dict[str, Any]:
    values = {column.key: getattr(refusal, column.key) for column in _COLUMNS}
    return {
        name: value[: _LENGTHS[name]] if isinstance(value, str) else value for name, value in values.items()
    }


def _refusal(row: RefusalRow) -> Refusal:
    return Refusal(**{column.key: getattr(row, column.key) for column in _COLUMNS})
