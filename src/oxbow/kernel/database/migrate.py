"""Bringing the schema up to date, inside the process and under a lock.

All rooms share one linear history in ``oxbow/kernel/migrations/versions``.  Two servers may start at the same
time: one migrates, the other waits and finds nothing left to do.  A migration happens as a whole or not at
all (both backends have transactional DDL).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.engine import URL

from oxbow.kernel.database.engine import create_engine
from oxbow.kernel.logs import get_logger

MIGRATION_SECONDS = 120.0  # How long one statement, or waiting for another server's migration, may take.
_SCRIPTS = Path(__file__).parents[1] / "migrations"
_ADVISORY_LOCK = 0x6F78626F77  # "oxbow"; any number will do that all servers agree on.

log = get_logger(__name__)


class SchemaTooNewError(Exception):
    """The database was migrated by a newer Oxbow; the text says so to the operator."""


async def migrate(url: URL) -> None:
    """Upgrade to the newest schema this program knows.

    :raises SchemaTooNewError: when the database knows a revision that this program does not.
    """
    engine = create_engine(url, MIGRATION_SECONDS, migrating=True, poolclass=NullPool)
    try:
        async with _file_lock(url), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK}
                )
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _file_lock(url: URL) -> AsyncIterator[None]:
    """Let one process at a time migrate an SQLite file (switching to WAL does not wait for others)."""
    if not url.drivername.startswith("sqlite"):
        yield
        return
    path = f"{url.database}.migrating"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
        # The database file is made here, for its owner only: it holds the accounts' secrets.
        os.close(os.open(str(url.database), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        yield
    finally:
        os.close(descriptor)


def config(connection: Connection) -> Config:
    """Alembic's configuration for work on one open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(_SCRIPTS))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def _upgrade(connection: Connection) -> None:
    settings = config(connection)
    scripts = ScriptDirectory.from_config(settings)
    current = MigrationContext.configure(connection).get_current_revision()
    newest = scripts.get_current_head()
    if current == newest:
        return
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaTooNewError(
            f"the database has schema revision {current}, made by a newer Oxbow; this one knows revisions up "
            f"to {newest}. Start the newer version, or restore a backup from before the upgrade"
        )
    command.upgrade(settings, "head")
    log.info("database_migrated", from_revision=current, to_revision=newest)
