"""Engines: how the two backends are connected to, and what is set on each connection."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

READONLY = "oxbow_readonly"
_POSTGRES_NAMES = {"postgres", "postgresql", "postgresql+asyncpg"}


def database_url(text: str) -> URL:
    """Read a database URL in any of its customary forms, and name our drivers in it."""
    url = make_url(text)
    if url.drivername in _POSTGRES_NAMES:
        query = {("ssl" if key == "sslmode" else key): value for key, value in url.query.items()}
        return url.set(drivername="postgresql+asyncpg", query=query)
    if url.drivername in ("sqlite", "sqlite+aiosqlite"):
        return url.set(drivername="sqlite+aiosqlite")
    raise ValueError(f"{url.drivername} is no database Oxbow can use; it takes postgresql://... ")


def create_engine(url: URL, timeout: float, *, migrating: bool = False, **pool: Any) -> AsyncEngine:
    """An engine whose every wait (connecting, one statement, a lock) ends after ``timeout`` seconds."""
    if url.drivername.startswith("sqlite"):
        return _sqlite(url, timeout, migrating, pool)
    arguments = {
        "timeout": timeout,
        "command_timeout": timeout,
        "server_settings": {"application_name": "oxbow"},
    }
    return create_async_engine(url, connect_args=arguments, pool_pre_ping=True, **pool)


def _sqlite(url: URL, timeout: float, migrating: bool, pool: dict[str, Any]) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"timeout": timeout}, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        # The driver must not open transactions by itself; _begin_sqlite does it, with the right lock.
        connection.isolation_level = None
        for pragma in _pragmas(migrating):
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _pragmas(migrating: bool) -> list[str]:
    # FULL, not NORMAL: a commit that was answered survives the death of the process with either, but only
    # FULL, one fsync a commit, keeps it through a power cut. Commits here are administration and one
    # heartbeat a second, so the fsync costs nothing that matters.
    pragmas = ["synchronous=FULL"]
    if migrating:
        # WAL is a property of the file, set once. Rebuilding a table must not trigger its cascades.
        return ["journal_mode=WAL", *pragmas, "foreign_keys=OFF"]
    return [*pragmas, "foreign_keys=ON"]


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that writes takes its lock at the start: one that first reads and then wants to write
    # would be refused at once, without waiting, whenever another has written in between.
    readonly = connection.get_execution_options().get(READONLY, False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def pool_options(size: int, timeout: float) -> dict[str, Any]:
    """A pool that never grows beyond ``size`` and does not let anyone wait for longer than ``timeout``."""
    return {"pool_size": size, "max_overflow": 0, "pool_timeout": timeout}
