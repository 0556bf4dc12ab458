"""Reading all users, groups and policies at once."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.accounts.tables import KeyPairRow, UserRow
from oxbow.kernel.iam.models import Group, IamUser, Links, Policy, State, UserKey
from oxbow.kernel.iam.statements import Effect, Statement
from oxbow.kernel.iam.tables import (
    GROUP_POLICY,
    GROUP_USER,
    USER_POLICY,
    GroupRow,
    IamVersionRow,
    PolicyRow,
)


async def version(session: AsyncSession) -> int:
    """The number that grows with each change."""
    return (await session.scalars(select(IamVersionRow.version))).one()


async def load(session: AsyncSession) -> State:
    """Everything, as the transaction sees it."""
    # The version is read first: a change that slips in between is then read again, never missed.
    return State(
        await version(session),
        {row.id: _user(row) for row in await session.scalars(select(UserRow).order_by(UserRow.id))},
        {row.id: _group(row) for row in await session.scalars(select(GroupRow).order_by(GroupRow.id))},
        {row.id: _policy(row) for row in await session.scalars(select(PolicyRow).order_by(PolicyRow.id))},
        await _links(session, USER_POLICY, "user_id", "policy_id"),
        await _links(session, GROUP_POLICY, "group_id", "policy_id"),
        await _links(session, GROUP_USER, "user_id", "group_id"),
        await _keys(session),
    )


async def _links(session: AsyncSession, table: Table, of: str, what: str) -> Links:
    found: dict[int, list[int]] = defaultdict(list)
    query = select(table.c[of], table.c[what]).order_by(table.c[of], table.c[what])
    for key, value in await session.execute(query):
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


async def _keys(session: AsyncSession) -> dict[int, tuple[UserKey, ...]]:
    found: dict[int, list[UserKey]] = defaultdict(list)
    pair = KeyPairRow
    query = select(pair.access_key, pair.user_id, pair.enabled, pair.created_at).where(
        pair.user_id.is_not(None)
    )
    for access_key, user, enabled, created_at in await session.execute(
        query.order_by(pair.created_at, pair.access_key)
    ):
        found[user or 0].append(UserKey(access_key, user or 0, enabled, created_at))
    return {user: tuple(keys) for user, keys in found.items()}


def _user(row: UserRow) -> IamUser:
    return IamUser(row.id, row.account_id, row.alias, row.created_at, row.updated_at, row.enabled)


def _group(row: GroupRow) -> Group:
    return Group(row.id, row.account_id, row.alias, row.created_at, row.updated_at, row.description)


def _policy(row: PolicyRow) -> Policy:
    return Policy(
        row.id,
        row.account_id,
        row.alias,
        row.created_at,
        row.updated_at,
        row.description,
        row.edit_type,
        statements_of(row.statements),
    )


def statements_of(column: str) -> tuple[Statement, ...]:
    """The statements of a policy's column."""
    return tuple(
        Statement(Effect(item["effect"]), tuple(item["action"]), tuple(item["resource"]))
        for item in json.loads(column)
    )


def column_of(statements: tuple[Statement, ...]) -> str:
    """The other way round."""
    return json.dumps([shown(statement) for statement in statements], separators=(",", ":"))


def shown(statement: Statement) -> dict[str, Any]:
    """A statement as the wire has it."""
    return {
        "action": list(statement.actions),
        "resource": list(statement.resources),
        "effect": statement.effect.value,
    }
