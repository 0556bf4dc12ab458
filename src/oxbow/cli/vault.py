"""The root account's key pairs, read from and changed in the home's database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from oxbow.doctor.records import is_unmade
from oxbow.kernel import logs
from oxbow.kernel.accounts.models import Account
from oxbow.kernel.accounts.service import AccountService
from oxbow.kernel.accounts.store import AccountStore
from oxbow.kernel.database import Database
from oxbow.kernel.settings import KernelSettings, load

T = TypeVar("T")
Work = Callable[[AccountService, Account], Awaitable[T]]


class NoKeysError(Exception):
    """The home holds no key pair that works; the text says where it looked and what to do."""


class Pair(NamedTuple):
    """What signs a request."""

    access_key: str
    secret_key: str


def root_pair(settings: KernelSettings) -> Pair:
    """The pair of the settings, else the oldest enabled one of the database; NoKeysError without either."""
    if settings.root_access_key and settings.root_secret_key:
        return Pair(settings.root_access_key, settings.root_secret_key.get_secret_value())
    return run(settings, _oldest_enabled)


async def _oldest_enabled(service: AccountService, root: Account) -> Pair:
    for pair in await service.keys(root):
        if pair.enabled:
            return Pair(pair.access_key, pair.secret_key)
    raise NoKeysError(
        "every key pair is disabled; set OXBOW_ROOT_ACCESS_KEY and OXBOW_ROOT_SECRET_KEY and restart"
    )


def on_keys(work: Work[T]) -> T:
    """Run `work` on the key pairs of this home's root account."""
    return run(load(KernelSettings), work)


def run(settings: KernelSettings, work: Work[T]) -> T:
    """The same with given settings; NoKeysError if no server has ever been started with them."""
    logs.setup("error", "text", "oxbow")
    return asyncio.run(_run(settings, work))


async def _run(settings: KernelSettings, work: Work[T]) -> T:
    async with _accounts(settings) as service:
        return await work(service, await service.root())


@asynccontextmanager
async def _accounts(settings: KernelSettings) -> AsyncIterator[AccountService]:
    database = Database.of(settings)
    if is_unmade(database):
        raise _never_started(settings)
    try:
        yield AccountService(AccountStore(database))
    except SQLAlchemyError as error:
        # Whoever never started a server has a database without tables.
        raise _never_started(settings) from error
    finally:
        await database.close()


def _never_started(settings: KernelSettings) -> NoKeysError:
    return NoKeysError(
        f"no server was ever started with the home {settings.home}; `oxbow serve` makes its keys"
    )
