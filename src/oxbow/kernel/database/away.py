"""Telling a database that is away from a program that is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from oxbow.kernel.errors import ApiError
from oxbow.kernel.logs import get_logger

log = get_logger(__name__)

_NO_CONNECTION = (SQLAlchemyError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

_POSTGRES_AWAY = (asyncpg.OperatorInterventionError, asyncpg.PostgresConnectionError, ConnectionError)

# The primary result codes of SQLite that speak of the file or its locks, not of the statement.
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


class DatabaseUnavailableError(ApiError):
    """The database cannot be reached, or did not answer in time; nothing was changed, or it is not known."""

    def __init__(self) -> None:
        super().__init__(
            503, "the database is not available, try again shortly", headers={"Retry-After": "1"}
        )


@contextmanager
def no_connection_is_unavailable() -> Iterator[None]:
    """Around connecting: whatever fails there, the database is not to be had."""
    try:
        yield
    except _NO_CONNECTION as error:
        raise _unavailable(error) from error


@contextmanager
def lost_connection_is_unavailable() -> Iterator[None]:
    """Around statements: only what speaks of the connection or the file; a wrong statement stays an error."""
    try:
        yield
    except (SQLAlchemyError, ConnectionError, TimeoutError) as error:
        if _is_away(error):
            raise _unavailable(error) from error
        raise


def _unavailable(error: BaseException) -> DatabaseUnavailableError:
    log.warning("database_unavailable", error=f"{type(error).__name__}: {error}".splitlines()[0])
    return DatabaseUnavailableError()


def _is_away(error: Exception) -> bool:
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout | ConnectionError | TimeoutError)
    # The asyncpg dialect wraps the driver's error; what happened stands at the end of the chain.
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _POSTGRES_AWAY):
            return True
        if isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode is not None:
            return cause.sqlite_errorcode & 0xFF in _SQLITE_AWAY
        cause = cause.__cause__
    return error.connection_invalidated or isinstance(error, InterfaceError)
