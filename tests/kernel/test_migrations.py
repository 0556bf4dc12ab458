"""Migrations: what they build is what the code declares, on either backend."""

import asyncio
import importlib.util
import pkgutil

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, text

import oxbow.kernel
import oxbow.rooms
from oxbow.kernel.database import Base, Database, SchemaTooNewError
from oxbow.kernel.database.engine import create_engine
from oxbow.kernel.database.migrate import config


def import_every_store() -> None:
    """Tables are declared in stores, or beside them; a package that is not imported has none."""
    packages = [*pkgutil.iter_modules(oxbow.kernel.__path__, "oxbow.kernel.")]
    packages += pkgutil.iter_modules(oxbow.rooms.__path__, "oxbow.rooms.")
    for package in packages:
        for module in ("store", "tables"):
            if package.ispkg and importlib.util.find_spec(f"{package.name}.{module}"):
                importlib.import_module(f"{package.name}.{module}")


async def on_connection(database: Database, action):
    engine = create_engine(database.url, 10, poolclass=NullPool)
    async with engine.connect() as connection:
        result = await connection.run_sync(action)
    await engine.dispose()
    return result


async def test_the_migrated_schema_is_the_declared_one(database):
    import_every_store()

    def compare(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)

    assert await on_connection(database, compare) == []


async def test_the_history_is_one_line(database):
    def heads_and_bases(connection):
        scripts = ScriptDirectory.from_config(config(connection))
        return scripts.get_heads(), scripts.get_bases()

    heads, bases = await on_connection(database, heads_and_bases)
    assert (len(heads), bases) == (1, ["0001"])


async def test_migrating_again_changes_nothing(database):
    async with database.session() as session:
        await session.execute(text("INSERT INTO account (name, created_at) VALUES ('one', 1)"))
    await database.migrate()
    async with database.session(readonly=True) as session:
        assert (await session.execute(text("SELECT count(*) FROM account"))).scalar() == 1


async def migrate_by_many(url: str) -> None:
    servers = [Database(url) for _ in range(4)]
    await asyncio.gather(*(server.migrate() for server in servers))
    for server in servers:
        await server.ping()
        await server.close()


async def test_servers_that_start_at_once_do_not_disturb_each_other_on_sqlite(tmp_path):
    await migrate_by_many(f"sqlite:///{tmp_path}/oxbow.db")


@pytest.mark.postgres
async def test_servers_that_start_at_once_do_not_disturb_each_other_on_postgres(postgres_server):
    url = postgres_server.create_database("oxbow_concurrent")
    await migrate_by_many(url)
    postgres_server.drop_database("oxbow_concurrent")


async def test_a_database_of_a_newer_version_is_refused_with_a_remedy(database):
    async with database.session() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNewError, match=r"revision 9999, made by a newer Oxbow.*Start the newer"):
        await database.migrate()
