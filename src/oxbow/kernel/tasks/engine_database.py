"""Where the engine keeps its records: beside the house's own, wherever those are.

In SQLite that is a file of its own. Both take the one write lock of their file for each commit; in one file
the engine's many small commits would make the API wait.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from dbos import DBOSConfig
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

CONNECTIONS = 5
SECONDS = 5
SQLITE_FILE = "tasks.db"


def options(url: URL) -> DBOSConfig:
    """DBOS' settings of its database; on SQLite the file is made."""
    if url.get_backend_name() == "sqlite":
        return {
            "system_database_url": f"sqlite:///{_sqlite_file(Path(str(url.database)))}",
            "db_engine_kwargs": {"pool_size": CONNECTIONS},
        }
    # An engine of our own: DBOS would look into the database `postgres` first, to see whether to create ours.
    engine = create_engine(
        url_for_psycopg(url),
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=30,
        connect_args={"connect_timeout": SECONDS, "application_name": "oxbow tasks"},
    )
    return {
        "system_database_url": engine.url.render_as_string(hide_password=False),
        "system_database_engine": engine,
    }


def url_for_psycopg(url: URL) -> URL:
    """Our URL speaks to asyncpg, which names one option differently."""
    query = {("sslmode" if name == "ssl" else name): value for name, value in url.query.items()}
    return url.set(drivername="postgresql+psycopg", query=query)


def _sqlite_file(house: Path) -> Path:
    path = house.with_name(SQLITE_FILE)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    with sqlite3.connect(path) as connection:
        # A property of the file: those who read don't wait for who writes.
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return path
