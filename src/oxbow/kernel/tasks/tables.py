"""The tables of durable tasks. Times are Unix seconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base, sorted_by_bytes

# Ids begin with the time: their order, in the bytes of every backend, is the order of creation.
TASK_ID = sorted_by_bytes(32)
IS_WAITING_FOR_THE_ENGINE = text("NOT handed")
HAS_A_LEASE = text("lease <> ''")


class TaskRow(Base):
    __tablename__ = "task"

    id: Mapped[str] = mapped_column(TASK_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    account: Mapped[int]
    subject: Mapped[str] = mapped_column(String(512))
    arguments: Mapped[str] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float] = mapped_column(Double)
    updated_at: Mapped[float] = mapped_column(Double)
    run_at: Mapped[float] = mapped_column(Double)
    progress: Mapped[float] = mapped_column(Double)
    note: Mapped[str] = mapped_column(Text)
    waits_for: Mapped[str] = mapped_column(Text)
    waiting_since: Mapped[float | None] = mapped_column(Double)
    deadline: Mapped[float | None] = mapped_column(Double)
    attempt: Mapped[int]
    attempt_limit: Mapped[int]
    error: Mapped[str] = mapped_column(Text)
    started_at: Mapped[float | None] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    cancelling: Mapped[bool]
    server: Mapped[str] = mapped_column(String(200))
    turn: Mapped[int]
    handed: Mapped[bool]
    lease: Mapped[str] = mapped_column(String(32))
    runs: Mapped[int]
    rollbacks: Mapped[int]

    __table_args__ = (
        Index("uq_task_key", "kind", "account", "key", unique=True),
        Index("ix_task_list", "account", "id"),
        Index(
            "ix_task_due",
            "run_at",
            sqlite_where=IS_WAITING_FOR_THE_ENGINE,
            postgresql_where=IS_WAITING_FOR_THE_ENGINE,
        ),
        Index("ix_task_lease", "server", sqlite_where=HAS_A_LEASE, postgresql_where=HAS_A_LEASE),
        Index("ix_task_finished", "finished_at"),
    )


class TaskServerRow(Base):
    """A server that runs tasks; its number grows for as long as it lives."""

    __tablename__ = "task_server"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    beat: Mapped[int] = mapped_column(BigInteger)
