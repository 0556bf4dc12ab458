"""Users, groups and policies in the database; the only SQL that changes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.accounts.tables import KeyPairRow, UserRow
from oxbow.kernel.audit import columns_of, record, recorded
from oxbow.kernel.database import Database
from oxbow.kernel.iam import loading
from oxbow.kernel.iam.errors import AlreadyThere, BadField, NotThere
from oxbow.kernel.iam.models import (
    GROUPS_LIMIT,
    KEYS_LIMIT,
    LINKS_LIMIT,
    POLICIES_LIMIT,
    USERS_LIMIT,
    Kind,
    State,
)
from oxbow.kernel.iam.tables import GROUP_POLICY, GROUP_USER, USER_POLICY, GroupRow, IamVersionRow, PolicyRow

Row = UserRow | GroupRow | PolicyRow
Guard = Callable[[State, State, frozenset[int]], None]
"""Looks at what a change would make of everything, and at the users whose keys it concerns; may refuse."""

Change = Callable[[set[int], set[int]], set[int]]
"""Makes the new ids of the old ones and those given."""

_ROWS: dict[Kind, type[Any]] = {Kind.USER: UserRow, Kind.GROUP: GroupRow, Kind.POLICY: PolicyRow}
_LIMITS = {Kind.USER: USERS_LIMIT, Kind.GROUP: GROUPS_LIMIT, Kind.POLICY: POLICIES_LIMIT}
_LINKS: dict[tuple[Kind, Kind], tuple[Table, bool]] = {
    (Kind.USER, Kind.POLICY): (USER_POLICY, True),
    (Kind.POLICY, Kind.USER): (USER_POLICY, False),
    (Kind.GROUP, Kind.POLICY): (GROUP_POLICY, True),
    (Kind.POLICY, Kind.GROUP): (GROUP_POLICY, False),
    (Kind.USER, Kind.GROUP): (GROUP_USER, True),
    (Kind.GROUP, Kind.USER): (GROUP_USER, False),
}
"""The table of pairs, and whether the number of the second kind is bounded for one of the first."""
_FIELDS = {Kind.USER: "user_aliases", Kind.GROUP: "group_aliases", Kind.POLICY: "policy_aliases"}


class IamStore:
    """Every change announces itself to all servers in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, known: State) -> State:
        """Everything; what is known already, if nothing has changed since."""
        async with self._database.session(readonly=True) as session:
            if await loading.version(session) == known.version:
                return known
            return await loading.load(session)

    @asynccontextmanager
    async def editing(self, account: int, now: int, guard: Guard | None) -> AsyncIterator[Edit]:
        """Changes of one account that are made together; an exception, also of the guard's, makes none."""
        async with self._database.session() as session:
            # First, so that changes wait for each other: what they check holds when they write.
            await session.execute(update(IamVersionRow).values(version=IamVersionRow.version + 1))
            before = await loading.load(session) if guard else None
            edit = Edit(session, account, now)
            yield edit
            await session.flush()
            if guard and before:
                session.expire_all()
                guard(before, await loading.load(session), frozenset(edit.touched))


class Edit:
    """What can be changed within a transaction."""

    def __init__(self, session: AsyncSession, account: int, now: int) -> None:
        self._session = session
        self._account = account
        self._now = now
        self.touched: set[int] = set()
        """Users to whom somebody was given access."""

    async def add(self, kind: Kind, alias: str, **fields: Any) -> None:
        """AlreadyThere, BadField where the account has its fill."""
        if await self._find(kind, alias) is not None:
            raise AlreadyThere(kind, alias)
        row = _ROWS[kind]
        count = select(func.count()).select_from(row).where(row.account_id == self._account)
        if (await self._session.scalars(count)).one() >= _LIMITS[kind]:
            raise BadField("alias", f"the account has {_LIMITS[kind]} of this kind already; delete one first")
        new = row(account_id=self._account, alias=alias, created_at=self._now, updated_at=self._now, **fields)
        self._session.add(new)
        await self._session.flush()
        record(self._session, f"{kind}/{alias}", None, columns_of(new))

    async def change(self, kind: Kind, alias: str, **fields: Any) -> None:
        """Set some columns; NotThere, AlreadyThere for a new alias that is taken."""
        row = await self.find(kind, alias)
        new = fields.get("alias", alias)
        if new != alias and await self._find(kind, new) is not None:
            raise AlreadyThere(kind, new)
        if kind is Kind.USER:
            self.touched.add(row.id)
        with recorded(self._session, f"{kind}/{alias}", row):
            for name, value in fields.items():
                setattr(row, name, value)
            row.updated_at = self._now

    async def remove(self, kind: Kind, alias: str) -> None:
        """With its links, and a user's keys; NotThere."""
        row = await self.find(kind, alias)
        record(self._session, f"{kind}/{alias}", columns_of(row), None)
        await self._session.execute(delete(_ROWS[kind]).where(_ROWS[kind].id == row.id))

    async def link(self, kind: Kind, alias: str, to: Kind, aliases: Sequence[str], change: Change) -> None:
        """Change what is linked to one: ``change`` makes the new ids of the old ones and the given ones."""
        owner = await self.find(kind, alias)
        given = {(await self.find(to, name)).id for name in aliases}
        table, bounded = _LINKS[kind, to]
        mine, other = table.c[f"{kind}_id"], table.c[f"{to}_id"]
        before = set(await self._session.scalars(select(other).where(mine == owner.id)))
        after = change(before, given)
        await self._session.execute(delete(table).where(mine == owner.id, other.in_(before - after)))
        if after - before:
            pairs = [{mine.name: owner.id, other.name: id_} for id_ in sorted(after - before)]
            await self._session.execute(insert(table), pairs)
        await self._check_links(table, kind if bounded else to, to if bounded else kind, _FIELDS[to])
        named = f"{to}_aliases"
        sides = [{named: sorted(await self._aliases(to, side))} for side in (before, after)]
        record(self._session, f"{kind}/{alias}", *sides)

    async def _check_links(self, table: Table, of: Kind, what: Kind, field: str) -> None:
        owner = table.c[f"{of}_id"]
        counts = select(func.count().label("held")).select_from(table).group_by(owner).subquery()
        fullest = (await self._session.scalars(select(func.max(counts.c.held)))).one()
        if (fullest or 0) > LINKS_LIMIT:
            raise BadField(field, f"a {of} has at most {LINKS_LIMIT} of kind {what}")

    async def add_key(self, alias: str, access_key: str, secret_key: str) -> int:
        """The user's id; NotThere, BadField where the user has its fill."""
        user = await self.find(Kind.USER, alias)
        self.touched.add(user.id)
        count = select(func.count()).select_from(KeyPairRow).where(KeyPairRow.user_id == user.id)
        if (await self._session.scalars(count)).one() >= KEYS_LIMIT:
            raise BadField("alias", f"the user has {KEYS_LIMIT} key pairs already; delete one first")
        row = KeyPairRow(
            access_key=access_key,
            secret_key=secret_key,
            account_id=self._account,
            user_id=user.id,
            enabled=True,
            note="",
            created_at=self._now,
        )
        self._session.add(row)
        record(self._session, f"user/{alias}/key/{access_key}", None, columns_of(row))
        return int(user.id)

    async def enable_key(self, alias: str, access_key: str, enabled: bool) -> None:
        """NotThere."""
        row = await self._key(alias, access_key)
        if enabled and row.user_id is not None:
            self.touched.add(row.user_id)
        with recorded(self._session, f"user/{alias}/key/{access_key}", row):
            row.enabled = enabled

    async def remove_key(self, alias: str, access_key: str) -> None:
        """NotThere."""
        row = await self._key(alias, access_key)
        record(self._session, f"user/{alias}/key/{access_key}", columns_of(row), None)
        await self._session.delete(row)

    async def find(self, kind: Kind, alias: str) -> Any:
        """NotThere."""
        row = await self._find(kind, alias)
        if row is None:
            raise NotThere(kind, alias)
        return row

    async def _find(self, kind: Kind, alias: str) -> Any:
        if "\0" in alias:  # PostgreSQL refuses to compare with it.
            return None
        row = _ROWS[kind]
        query = select(row).where(row.account_id == self._account, row.alias == alias)
        return (await self._session.scalars(query)).one_or_none()

    async def _aliases(self, kind: Kind, ids: set[int]) -> Sequence[str]:
        row = _ROWS[kind]
        return (await self._session.scalars(select(row.alias).where(row.id.in_(ids)))).all()

    async def _key(self, alias: str, access_key: str) -> KeyPairRow:
        user = await self.find(Kind.USER, alias)
        row = await self._session.get(KeyPairRow, access_key) if "\0" not in access_key else None
        if row is None or row.user_id != user.id:
            raise NotThere("access key", access_key)
        return row
