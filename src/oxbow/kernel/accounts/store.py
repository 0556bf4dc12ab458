"""Accounts and key pairs in the database; the only SQL about them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.accounts.errors import KeyNotFound, LastKey, TooManyKeys
from oxbow.kernel.accounts.models import KEYS_LIMIT, Account, KeyPair
from oxbow.kernel.accounts.tables import AccountRow, KeyPairRow
from oxbow.kernel.audit import columns_of, record, recorded
from oxbow.kernel.database import Database


class AccountStore:
    """Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure_account(self, name: str, now: int) -> Account:
        """Find an account by its name, or make it."""
        try:
            return await self._find_or_add(name, now)
        except IntegrityError:  # Another server that starts was faster.
            return await self._find_or_add(name, now)

    async def _find_or_add(self, name: str, now: int) -> Account:
        async with self._database.session() as session:
            row = await session.scalar(select(AccountRow).filter_by(name=name))
            if row is None:
                row = AccountRow(name=name, created_at=now)
                session.add(row)
                await session.flush()
                record(session, f"account/{name}", None, columns_of(row), account=row.id)
            return Account(row.id, row.name)

    async def keys(self, account: Account | None = None) -> list[KeyPair]:
        """An account's own key pairs, or everybody's, those of users too; the oldest first."""
        query = select(KeyPairRow).order_by(KeyPairRow.created_at, KeyPairRow.access_key)
        if account is not None:
            query = query.filter_by(account_id=account.id, user_id=None)
        async with self._database.session(readonly=True) as session:
            return [row.model() for row in await session.scalars(query)]

    async def add(self, pair: KeyPair) -> None:
        """Add a pair; :class:`TooManyKeys` when the account has its fill."""
        async with self._database.session() as session:
            rows = await _locked_keys(session, pair.account)
            if len(rows) >= KEYS_LIMIT:
                raise TooManyKeys(KEYS_LIMIT)
            _add(session, pair)

    async def add_first(self, pair: KeyPair) -> bool:
        """Add a pair if the account has none yet; whether it was added."""
        async with self._database.session() as session:
            if await _locked_keys(session, pair.account):
                return False
            _add(session, pair)
            return True

    async def put(self, pair: KeyPair) -> None:
        """Add a pair, or give the pair with this access key the new secret, owner and state."""
        async with self._database.session() as session:
            known = await session.get(KeyPairRow, pair.access_key)
            before = columns_of(known) if known else None
            row = await session.merge(_row(pair))
            record(session, _subject(pair.access_key), before, columns_of(row), account=pair.account.id)

    async def set_enabled(self, account: Account, access_key: str, enabled: bool) -> None:
        """Enable or disable; :class:`KeyNotFound`, or :class:`LastKey` for the last enabled one."""
        async with self._database.session() as session:
            rows = await _locked_keys(session, account)
            if not enabled:
                _spare_the_last(rows, access_key)
            row = _find(rows, access_key)
            with recorded(session, _subject(access_key), row, account=account.id):
                row.enabled = enabled

    async def delete(self, account: Account, access_key: str) -> None:
        """Delete; :class:`KeyNotFound`, or :class:`LastKey` for the last enabled one."""
        async with self._database.session() as session:
            rows = await _locked_keys(session, account)
            _spare_the_last(rows, access_key)
            row = _find(rows, access_key)
            record(session, _subject(access_key), columns_of(row), None, account=account.id)
            await session.delete(row)


def _subject(access_key: str) -> str:
    return f"key/{access_key}"


def _add(session: AsyncSession, pair: KeyPair) -> None:
    session.add(row := _row(pair))
    record(session, _subject(pair.access_key), None, columns_of(row), account=pair.account.id)


def _row(pair: KeyPair) -> KeyPairRow:
    return KeyPairRow(
        access_key=pair.access_key,
        secret_key=pair.secret_key,
        account_id=pair.account.id,
        user_id=pair.user.id if pair.user else None,
        enabled=pair.enabled,
        note=pair.note,
        created_at=pair.created_at,
    )


async def _locked_keys(session: AsyncSession, account: Account) -> list[KeyPairRow]:
    """An account's own keys, which nobody else can change until the end of the transaction."""
    await session.get_one(AccountRow, account.id, with_for_update=True)
    own = select(KeyPairRow).filter_by(account_id=account.id, user_id=None)
    return list(await session.scalars(own))


def _find(rows: list[KeyPairRow], access_key: str) -> KeyPairRow:
    for row in rows:
        if row.access_key == access_key:
            return row
    raise KeyNotFound


def _spare_the_last(rows: list[KeyPairRow], access_key: str) -> None:
    if [row.access_key for row in rows if row.enabled] == [access_key]:
        raise LastKey
