"""What the two backends do alike, but SQLAlchemy does not spell alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

Upsert = postgresql.Insert | sqlite.Insert
"""An INSERT that can say ON CONFLICT."""


def upsert(session: AsyncSession, table: type[Any]) -> Upsert:
    """An INSERT that can say ON CONFLICT, for the backend that the session is on."""
    on_postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgres else sqlite.insert(table)


def sorted_by_bytes(length: int) -> String:
    """A text column that sorts by its bytes on every backend, whatever the locale of the database is.

    Lists that are paged by a name need it: the marker of a page must mean the same everywhere.
    """
    return String(length).with_variant(String(length, collation="C"), "postgresql")
