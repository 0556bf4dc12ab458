"""Audit records in the database; the only SQL about them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Index, Integer, Select, String, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.audit.actor import current_actor
from oxbow.kernel.audit.masking import difference
from oxbow.kernel.database import Base, Database

SUBJECT_LENGTH = 400
_AGENT_LENGTH = 200


class AuditRow(Base):
    """One change."""

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("ix_audit_record_account_subject", "account", "subject"),
        Index("ix_audit_record_request_id", "request_id"),
        Index("ix_audit_record_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    """Unix time in milliseconds."""
    account: Mapped[int | None]
    user: Mapped[int | None] = mapped_column("user_id")
    actor: Mapped[str] = mapped_column(String(200))
    access_key: Mapped[str] = mapped_column(String(64))
    client: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(_AGENT_LENGTH))
    action: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One change, as it was written down; see :class:`~oxbow.kernel.audit.actor.Actor` for who made it."""

    id: int
    at: float
    """Unix seconds."""
    account: int | None
    user: int | None
    actor: str
    access_key: str
    client: str
    request_id: str
    user_agent: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which records to read; what is empty or None does not matter.  A text may end in ``*`` for any end."""

    subject: str = ""
    action: str = ""
    actor: str = ""
    request_id: str = ""
    user: int | None = None
    since: int | None = None
    """Unix seconds; records of this moment count."""
    until: int | None = None
    """Unix seconds; records of this second count."""
    before: int | None = None
    """The last id of the page before."""
    limit: int = 100


def columns_of(row: Base) -> dict[str, Any]:
    """A row as :func:`record` takes it."""
    return {attribute.key: getattr(row, attribute.key) for attribute in row.__mapper__.column_attrs}


def record(
    session: AsyncSession,
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    *,
    account: int | None = None,
) -> None:
    """Write a change down in the transaction that makes it: no record without the change, and vice versa.

    Of a change only the fields that differ are kept, and nothing if none does.  Secrets are masked.

    :param subject: what changed, such as ``hub/live``, at most :data:`SUBJECT_LENGTH` characters.
    :param before: its fields; None if it is new.
    :param after: its fields; None if it is gone.
    :param account: whose it is, where that is not the actor's account.
    """
    written = difference(before, after)
    if written is None:
        return
    actor = current_actor()
    session.add(
        AuditRow(
            at=time.time_ns() // 1_000_000,
            account=actor.account if account is None else account,
            user=actor.user,
            actor=actor.name[:200],
            access_key=actor.access_key[:64],
            client=actor.client[:64],
            request_id=actor.request_id[:64],
            user_agent=_storable(actor.user_agent)[:_AGENT_LENGTH],
            action=actor.action[:100],
            subject=_storable(subject)[:SUBJECT_LENGTH],
            before=_json(written[0]),
            after=_json(written[1]),
        )
    )


@contextmanager
def recorded(session: AsyncSession, subject: str, row: Base, *, account: int | None = None) -> Iterator[None]:
    """Record what the block changes of a row, whichever columns these are; an exception records nothing."""
    before = columns_of(row)
    yield
    record(session, subject, before, columns_of(row), account=account)


def _storable(text: str) -> str:
    """PostgreSQL keeps no zero byte."""
    return text.replace("\0", "")


def _json(fields: dict[str, Any] | None) -> str | None:
    if fields is None:
        return None
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":"), sort_keys=True)


class AuditStore:
    """Reading what :func:`record` wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, account: int, query: AuditQuery) -> list[AuditRecord]:
        """The account's records, the newest first; those of the whole system belong to every account."""
        rows = _filtered(select(AuditRow), account, query).order_by(AuditRow.id.desc()).limit(query.limit)
        async with self._database.session(readonly=True) as session:
            return [_record_of(row) for row in await session.scalars(rows)]

    async def forget(self, before: float) -> int:
        """Delete what is older than a moment (Unix seconds); how many records that were."""
        async with self._database.session() as session:
            result = await session.execute(delete(AuditRow).where(AuditRow.at < int(before * 1000)))
            return int(getattr(result, "rowcount", 0))


def _filtered(rows: Select[Any], account: int, query: AuditQuery) -> Select[Any]:
    rows = rows.where((AuditRow.account == account) | AuditRow.account.is_(None))
    for column, wanted in (
        (AuditRow.subject, query.subject),
        (AuditRow.action, query.action),
        (AuditRow.actor, query.actor),
        (AuditRow.request_id, query.request_id),
    ):
        if wanted:
            rows = rows.where(_matches(column, wanted))
    if query.user is not None:
        rows = rows.where(AuditRow.user == query.user)
    if query.since is not None:
        rows = rows.where(AuditRow.at >= query.since * 1000)
    if query.until is not None:
        rows = rows.where(AuditRow.at < (query.until + 1) * 1000)
    if query.before is not None:
        rows = rows.where(AuditRow.id < query.before)
    return rows


def _matches(column: Any, wanted: str) -> ColumnElement[bool]:
    # LIKE would be blind to case on SQLite, and take % and _ for wildcards.
    if not wanted.endswith("*"):
        return column == wanted  # type: ignore[no-any-return]
    prefix = wanted[:-1]
    return func.substr(column, 1, len(prefix)) == prefix


def _record_of(row: AuditRow) -> AuditRecord:
    return AuditRecord(
        row.id,
        row.at / 1000,
        row.account,
        row.user,
        row.actor,
        row.access_key,
        row.client,
        row.request_id,
        row.user_agent,
        row.action,
        row.subject,
        json.loads(row.before) if row.before else None,
        json.loads(row.after) if row.after else None,
    )
