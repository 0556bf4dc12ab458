"""Whether the database can be reached and has the schema that this version knows."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from oxbow.doctor.finding import Finding, broken, ok
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.database.migrate import config
from oxbow.kernel.settings import KernelSettings

NAME = "database"


async def database(settings: KernelSettings) -> Finding:
    """Look at the schema's revision without changing anything."""
    records = Database.of(settings)
    if is_unmade(records):
        return ok(NAME, "will be made at the first start")
    try:
        async with records.session(readonly=True) as session:
            found, newest, known = await (await session.connection()).run_sync(revisions)
    except DatabaseUnavailableError as error:
        cause = str(error.__cause__).partition("\n")[0]
        return broken(
            NAME, f"{where(records)} does not answer: {cause}", "start it, or correct OXBOW_DATABASE_URL"
        )
    finally:
        await records.close()
    if not known:
        remedy = "start the newer Oxbow that migrated it, or restore a backup from before"
        return broken(NAME, f"{where(records)} has schema {found}, which this version does not know", remedy)
    state = "up to date" if found == newest else "will be migrated at the next start"
    return ok(NAME, f"{where(records)}, {state}")


def is_unmade(records: Database) -> bool:
    """Whether the database is a file that the first start has yet to make."""
    return records.backend == "sqlite" and not Path(str(records.url.database)).exists()


def where(records: Database) -> str:
    """The database's address without its password."""
    return records.url.render_as_string(hide_password=True)


def revisions(connection: Connection) -> tuple[str | None, str | None, bool]:
    """The database's revision, the newest one of this program, and whether this program knows the former."""
    scripts = ScriptDirectory.from_config(config(connection))
    found = MigrationContext.configure(connection).get_current_revision()
    known = found is None or found in {script.revision for script in scripts.walk_revisions()}
    return found, scripts.get_current_head(), known
