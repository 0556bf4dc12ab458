"""Sessions: one transaction each, on either backend, and what happens while the database is away."""

import asyncio
import os
import signal
import sqlite3
import stat
import sys

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.database.engine import database_url as parse_url
from oxbow.kernel.settings import KernelSettings


async def add(database: Database, name: str) -> None:
    async with database.session() as session:
        session.add(AccountRow(name=name, created_at=1))


async def names(database: Database) -> list[str]:
    async with database.session(readonly=True) as session:
        return list((await session.execute(text("SELECT name FROM account ORDER BY name"))).scalars())


async def test_a_session_commits_at_its_end(database):
    await add(database, "one")
    assert await names(database) == ["one"]


async def test_an_exception_rolls_everything_back(database):
    with pytest.raises(RuntimeError):
        async with database.session() as session:
            session.add(AccountRow(name="one", created_at=1))
            await session.flush()
            raise RuntimeError
    assert await names(database) == []


async def test_a_broken_constraint_is_the_callers_to_handle(database):
    await add(database, "one")
    with pytest.raises(IntegrityError):
        await add(database, "one")


async def test_foreign_keys_are_enforced(database):
    insert = (
        "INSERT INTO key_pair (access_key, secret_key, account_id, enabled, note, created_at) "
        "VALUES ('ak', 'sk', 77, true, '', 1)"
    )
    with pytest.raises(IntegrityError):
        async with database.session() as session:
            await session.execute(text(insert))


async def test_a_wrong_statement_is_not_mistaken_for_an_absent_database(database):
    with pytest.raises(DBAPIError):
        async with database.session() as session:
            await session.execute(text("SELECT * FROM no_such_table"))


async def test_read_modify_write_loses_nothing(database):
    """Concurrent transactions that read first and write then wait for each other."""
    await add(database, "count")

    async def increment() -> None:
        async with database.session() as session:
            row = await session.get(AccountRow, 1, with_for_update=True)
            row.created_at += 1

    await asyncio.gather(*(increment() for _ in range(20)))
    async with database.session(readonly=True) as session:
        assert (await session.get(AccountRow, 1)).created_at == 21


async def test_ping(database):
    await database.ping()


async def test_a_reader_does_not_wait_for_a_writer(sqlite_database):
    async with sqlite_database.session() as session:
        session.add(AccountRow(name="one", created_at=1))
        await session.flush()
        assert await names(sqlite_database) == []


async def test_a_locked_file_is_unavailable_and_comes_back(sqlite_url):
    database = Database(sqlite_url, timeout=0.05)
    other = sqlite3.connect(database.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError):
        await add(database, "one")
    other.execute("COMMIT")
    await add(database, "one")
    assert await names(database) == ["one"]
    other.close()
    await database.close()


async def test_more_sessions_than_connections_is_unavailable(sqlite_url):
    database = Database(sqlite_url, pool_size=1, timeout=0.05)
    async with database.session(readonly=True):
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()
    await database.ping()
    await database.close()


@pytest.mark.postgres
async def test_a_server_that_goes_away_is_unavailable_until_it_is_back(postgres_database, postgres_server):
    await add(postgres_database, "one")
    postgres_server.stop()
    try:
        for _ in range(3):
            with pytest.raises(DatabaseUnavailableError) as raised:
                await add(postgres_database, "two")
        assert (raised.value.status, raised.value.headers) == (503, {"Retry-After": "1"})
    finally:
        postgres_server.start()
    assert await names(postgres_database) == ["one"]


@pytest.mark.postgres
async def test_a_connection_lost_inside_a_session_is_unavailable(postgres_database, postgres_server):
    with pytest.raises(DatabaseUnavailableError):
        async with postgres_database.session() as session:
            session.add(AccountRow(name="one", created_at=1))
            await session.flush()
            kill = "SELECT pg_terminate_backend(pg_backend_pid())"
            await session.execute(text(kill))
    assert await names(postgres_database) == []


@pytest.mark.postgres
async def test_a_statement_that_takes_too_long_is_unavailable(postgres_url):
    database = Database(postgres_url, timeout=0.2)
    with pytest.raises(DatabaseUnavailableError):
        async with database.session() as session:
            await session.execute(text("SELECT pg_sleep(30)"))
    await database.ping()
    await database.close()


async def test_nobody_listening_is_unavailable(unused_tcp_port):
    database = Database(f"postgresql://x@127.0.0.1:{unused_tcp_port}/x")
    with pytest.raises(DatabaseUnavailableError):
        await database.ping()
    with pytest.raises(DatabaseUnavailableError):
        await database.migrate()
    await database.close()


async def test_the_settings_choose_the_database(tmp_path):
    by_default = Database.of(KernelSettings(home=tmp_path))
    assert (by_default.backend, by_default.url.database) == ("sqlite", f"{tmp_path}/oxbow.db")
    named = Database.of(KernelSettings(home=tmp_path, database_url="postgres://me:pw@db:5433/oxbow"))
    assert (named.backend, named.url.host, named.url.port) == ("postgresql", "db", 5433)


async def test_the_file_is_for_its_owner_only(tmp_path):
    mask = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/oxbow.db")
        await database.migrate()
        await database.close()
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "oxbow.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_the_customary_forms_of_a_url(name):
    url = parse_url(f"{name}://me:pw@db/oxbow?sslmode=require")
    assert (url.drivername, dict(url.query)) == ("postgresql+asyncpg", {"ssl": "require"})


def test_other_databases_are_refused():
    with pytest.raises(ValueError, match="mysql is no database"):
        parse_url("mysql://x@y/z")


@pytest.mark.postgres
async def test_a_server_that_hangs_is_unavailable_and_leaves_no_connection_behind(
    postgres_url, postgres_server
):
    database = Database(postgres_url, pool_size=2, timeout=0.2)
    await database.ping()
    postgres_server.freeze()
    try:
        results = await asyncio.gather(*(database.ping() for _ in range(6)), return_exceptions=True)
        assert {type(result) for result in results} == {DatabaseUnavailableError}
    finally:
        postgres_server.thaw()
    patient = Database(postgres_url)
    await patient.ping()
    await asyncio.gather(database.ping(), database.ping())
    await patient.close()
    await database.close()


COMMIT_AND_DIE = """
import asyncio, os, signal, sys
from oxbow.kernel.accounts import AccountStore
from oxbow.kernel.database import Database

async def main():
    await AccountStore(Database(sys.argv[1])).ensure_account("kept", 1)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_was_committed_survives_the_death_of_the_process(database, database_url):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", COMMIT_AND_DIE, database_url)
    assert await process.wait() == -signal.SIGKILL
    assert await names(database) == ["kept"]
