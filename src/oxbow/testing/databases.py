"""A pytest plugin with databases: ``pytest_plugins = ["oxbow.testing.databases"]``.

``database`` runs a test twice, on SQLite and on PostgreSQL, each time on a fresh database with the newest
schema.  ``sqlite_database`` and ``postgres_database`` are the two by themselves.  Where a machine has no
PostgreSQL, its tests are skipped and the reason is told.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from oxbow.kernel.database import Database
from oxbow.testing.postgres import NoPostgresError, PostgresServer

_TEMPLATE = "oxbow_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session; a test that stops it must start it again."""
    try:
        server = PostgresServer.create()
    except NoPostgresError as reason:
        pytest.skip(str(reason))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file; each test works on a copy."""
    path: Path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated database; each test works on a copy."""
    asyncio.run(_migrated(postgres_server.create_database(_TEMPLATE)))
    return _TEMPLATE


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database with the newest schema."""
    path = tmp_path / "oxbow.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with the newest schema."""
    name = f"oxbow_{next(_numbers)}"
    yield postgres_server.create_database(name, postgres_template)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database: the test runs once on each backend."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database: the test runs once on each backend."""
    async for opened in _opened(database_url):
        yield opened


@pytest_asyncio.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated SQLite database, for tests that are not about the database."""
    async for opened in _opened(sqlite_url):
        yield opened


@pytest_asyncio.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated PostgreSQL database."""
    async for opened in _opened(postgres_url):
        yield opened


async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.close()


async def _migrated(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.close()
