"""The one door to the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oxbow.kernel.database import migrate
from oxbow.kernel.database.away import lost_connection_is_unavailable, no_connection_is_unavailable
from oxbow.kernel.database.engine import READONLY, create_engine, database_url, pool_options
from oxbow.kernel.settings import KernelSettings


class Database:
    """A pool of connections to SQLite or PostgreSQL, and transactions on them.

    Nothing is connected before the first use, and a database that was away is used again as soon as it is
    back; nobody has to do anything for it.

    :param url: ``sqlite:///<path>`` or ``postgresql://...``.
    :param timeout: seconds after which connecting, a statement, or a lock counts as failed.
    """

    def __init__(self, url: str | URL, *, pool_size: int = 5, timeout: float = 3.0) -> None:
        self.url = database_url(url) if isinstance(url, str) else url
        self._timeout = timeout
        self._engine = create_engine(self.url, timeout, **pool_options(pool_size, timeout))
        readers = self._engine.execution_options(**{READONLY: True, "postgresql_readonly": True})
        self._writing = async_sessionmaker(self._engine, expire_on_commit=False)
        self._reading = async_sessionmaker(readers, expire_on_commit=False)

    @classmethod
    def of(cls, settings: KernelSettings) -> Self:
        """The database the settings name; ``oxbow.db`` in the home directory by default."""
        named = settings.database_url.get_secret_value() if settings.database_url else None
        url = (
            database_url(named)
            if named
            else URL.create("sqlite+aiosqlite", database=f"{settings.home}/oxbow.db")
        )
        return cls(url, pool_size=settings.database_pool_size, timeout=settings.database_timeout_seconds)

    @property
    def backend(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.url.get_backend_name()

    @asynccontextmanager
    async def session(self, *, readonly: bool = False) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back by an exception.

        Await nothing but the session inside the block: on SQLite a transaction that is not ``readonly`` keeps
        all other writers waiting.

        :raises DatabaseUnavailableError: when there is no connection, it is lost, or no answer comes in time.
        """
        sessions = self._reading if readonly else self._writing
        async with sessions() as session:
            with no_connection_is_unavailable():
                # Together: trying a pooled connection, and making a new one when that turns out to be dead.
                async with asyncio.timeout(self._timeout):
                    await session.connection()
            with lost_connection_is_unavailable():
                yield session
                await session.commit()

    async def ping(self) -> None:
        """Ask for one row; :class:`DatabaseUnavailableError` when there is nobody to answer."""
        async with self.session(readonly=True) as session:
            await session.execute(text("SELECT 1"))

    async def migrate(self) -> None:
        """Bring the schema up to date, see :func:`oxbow.kernel.database.migrate.migrate`."""
        with no_connection_is_unavailable():
            await migrate.migrate(self.url)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
