"""The delivery log, which is the queue as well: one row is both what is to be sent and what became of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import (
    BigInteger,
    CursorResult,
    Float,
    Index,
    String,
    Text,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base, Database
from oxbow.kernel.webhooks.models import Delivery, DeliveryState, Hook

IS_WAITING = text("state = 'waiting'")
CANDIDATES = 512
"""Due rows that are looked at for one claim."""
_CHUNK = 500
"""Rows in one statement; SQLite bounds the number of its parameters."""


class DeliveryRow(Base):
    """Times are Unix seconds; whatever the hook needs is here, so that a delivery outlives its setting."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index(
            "ix_webhook_delivery_due", "next_attempt_at", sqlite_where=IS_WAITING, postgresql_where=IS_WAITING
        ),
        Index("ix_webhook_delivery_account_id", "account", "id"),
        Index("ix_webhook_delivery_key", "key", sqlite_where=IS_WAITING, postgresql_where=IS_WAITING),
    )

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    account: Mapped[int] = mapped_column(BigInteger)
    event: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(300))
    key: Mapped[str] = mapped_column(String(600))
    origin: Mapped[str] = mapped_column(String(300))
    """Scheme and host: servers that hang are waited for one by one."""
    hook: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    next_attempt_at: Mapped[float] = mapped_column(Float)
    status: Mapped[int]
    error: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    duration: Mapped[float] = mapped_column(Float)
    finished_at: Mapped[float | None] = mapped_column(Float, index=True)
    replay_of: Mapped[str] = mapped_column(String(24))


@dataclass(frozen=True)
class DeliveryFilter:
    """Which deliveries to list; what is empty lets all pass."""

    event: str = ""
    subject: str = ""
    state: str = ""


class DeliveryStore:
    """Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """All of them or none."""
        async with self._database.session() as session:
            for start in range(0, len(deliveries), _CHUNK):
                rows = [_values(delivery) for delivery in deliveries[start : start + _CHUNK]]
                await session.execute(insert(DeliveryRow), rows)

    async def has_due(self, now: float) -> bool:
        """Whether anything is to be sent; a look that disturbs no writer."""
        due = select(DeliveryRow.id).where(IS_WAITING, DeliveryRow.next_attempt_at <= now).limit(1)
        async with self._database.session(readonly=True) as session:
            return (await session.scalar(due)) is not None

    async def claim(
        self, now: float, until: float, room: int, per_origin: int, busy: dict[str, int]
    ) -> list[Delivery]:
        """Take what is due, at most `room` and together with what is `busy` at most `per_origin` of each
        origin. Nobody else gets it before `until`, by when its attempt must be over."""
        due = select(DeliveryRow).where(IS_WAITING, DeliveryRow.next_attempt_at <= now)
        full = [origin for origin, count in busy.items() if count >= per_origin]
        if full:
            due = due.where(DeliveryRow.origin.not_in(full))
        due = due.order_by(DeliveryRow.next_attempt_at).limit(CANDIDATES).with_for_update(skip_locked=True)
        async with self._database.session() as session:
            rows = _fair(list(await session.scalars(due)), room, per_origin, busy)
            ids = [row.id for row in rows]
            taken = [_delivery(row) for row in rows]
            await session.execute(
                update(DeliveryRow).where(DeliveryRow.id.in_(ids)).values(next_attempt_at=until)
            )
            return taken

    async def finish(self, deliveries: Sequence[Delivery]) -> None:
        """Write down what became of attempts."""
        names = (
            "id",
            "state",
            "attempts",
            "next_attempt_at",
            "status",
            "error",
            "answer",
            "duration",
            "finished_at",
        )
        async with self._database.session() as session:
            for start in range(0, len(deliveries), _CHUNK):
                rows = [_values(delivery) for delivery in deliveries[start : start + _CHUNK]]
                await session.execute(
                    update(DeliveryRow), [{name: row[name] for name in names} for row in rows]
                )

    async def cancel(self, keys: Sequence[str], now: float) -> int:
        """Cancel what is not due yet under these names; how many that were."""
        waiting = update(DeliveryRow).where(
            IS_WAITING, DeliveryRow.next_attempt_at > now, DeliveryRow.attempts == 0
        )
        cancel = waiting.values(state=DeliveryState.CANCELLED.value, finished_at=now)
        cancelled = 0
        async with self._database.session() as session:
            for start in range(0, len(keys), _CHUNK):
                named = DeliveryRow.key.in_(keys[start : start + _CHUNK])
                cancelled += _changed(await session.execute(cancel.where(named)))
        return cancelled

    async def find(self, account: int, id_: str) -> Delivery | None:
        """One of the account's deliveries."""
        query = select(DeliveryRow).where(DeliveryRow.id == id_, DeliveryRow.account == account)
        async with self._database.session(readonly=True) as session:
            row = await session.scalar(query)
            return _delivery(row) if row is not None else None

    async def page(self, account: int, which: DeliveryFilter, before: str, limit: int) -> list[Delivery]:
        """At most `limit` of the account's deliveries, newest first; those older than `before`, if given."""
        query = select(DeliveryRow).where(DeliveryRow.account == account)
        for column, wanted in (
            (DeliveryRow.event, which.event),
            (DeliveryRow.subject, which.subject),
            (DeliveryRow.state, which.state),
        ):
            if wanted:
                query = query.where(column == wanted)
        if before:
            query = query.where(DeliveryRow.id < before)
        async with self._database.session(readonly=True) as session:
            rows = await session.scalars(query.order_by(DeliveryRow.id.desc()).limit(limit))
            return [_delivery(row) for row in rows]

    async def prune(self, before: float, most: int) -> int:
        """Forget what was finished before a moment, at most so many at a time; how many that were."""
        old = select(DeliveryRow.id).where(DeliveryRow.finished_at < before).limit(most)
        async with self._database.session() as session:
            return _changed(await session.execute(delete(DeliveryRow).where(DeliveryRow.id.in_(old))))


def _fair(
    rows: Collection[DeliveryRow], room: int, per_origin: int, busy: dict[str, int]
) -> list[DeliveryRow]:
    counts, taken = dict(busy), list[DeliveryRow]()
    for row in rows:
        if len(taken) < room and counts.get(row.origin, 0) < per_origin:
            counts[row.origin] = counts.get(row.origin, 0) + 1
            taken.append(row)
    return taken


def origin_of(url: str) -> str:
    """Scheme and host of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"[:300]


def _values(delivery: Delivery) -> dict[str, Any]:
    values = {name: getattr(delivery, name) for name in _COLUMNS if hasattr(delivery, name)}
    hook = vars(delivery.hook) | {"vars": dict(delivery.hook.vars)}
    return values | {
        "state": delivery.state.value,
        "hook": json.dumps(hook, ensure_ascii=False),
        "origin": origin_of(delivery.hook.url),
    }


def _delivery(row: DeliveryRow) -> Delivery:
    values = {name: getattr(row, name) for name in _COLUMNS if name != "origin"}
    return Delivery(**(values | {"state": DeliveryState(row.state), "hook": Hook(**json.loads(row.hook))}))


def _changed(result: Any) -> int:
    """How many rows a statement touched."""
    return cast("CursorResult[Any]", result).rowcount


_COLUMNS = tuple(column.name for column in DeliveryRow.__table__.columns)
