"""Between rows and models, and the helpers that every store here needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.rooms.live.errors import HubNotFound
from oxbow.rooms.live.models import (
    Activity,
    Domain,
    DomainType,
    Hub,
    PublishSecurity,
    SecondPublisher,
    Stream,
    is_hub_name,
)
from oxbow.rooms.live.store.tables import ActivityRow, ConfigVersionRow, DomainRow, HubRow, StreamRow


def hub_of(row: HubRow) -> Hub:
    fields = _fields(row)
    fields["publish_security"] = PublishSecurity(row.publish_security)
    fields["second_publisher"] = SecondPublisher(row.second_publisher)
    return Hub(**fields)


def domain_of(row: DomainRow) -> Domain:
    return Domain(row.name, row.hub, DomainType(row.type), row.created_at)


def stream_of(row: StreamRow) -> Stream:
    fields = _fields(row)
    fields["publish_security"] = PublishSecurity(row.publish_security)
    return Stream(**fields)


def activity_of(row: ActivityRow) -> Activity:
    return Activity(**_fields(row))


def values_of(model: Hub | Domain | Stream | Activity) -> dict[str, Any]:
    """A model as the columns of its table; enumerations are stored as their text."""
    return {name: str(value) if isinstance(value, str) else value for name, value in asdict(model).items()}


def _fields(row: HubRow | StreamRow | ActivityRow) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


async def find_hub(session: AsyncSession, name: str, *, hold: bool = False) -> HubRow | None:
    """The hub, whoever owns it.

    :param hold: keep it from being deleted until the end of the transaction, which is going to refer to it.
    """
    if not is_hub_name(name):  # PostgreSQL refuses to compare with what is no text, such as a zero byte.
        return None
    return await session.get(HubRow, name, with_for_update={"read": True} if hold else None)


async def owned_hub(session: AsyncSession, name: str, account: int, *, hold: bool = False) -> HubRow:
    """The hub, if it belongs to the account; HubNotFound otherwise."""
    row = await find_hub(session, name, hold=hold)
    if row is None or row.account != account:
        raise HubNotFound
    return row


async def announce_change(session: AsyncSession) -> None:
    """Let every server reread the configuration once this transaction is committed.

    Called first in a transaction, it also makes configuration changes wait for each other, so that what they
    check before they write still holds when they write it.
    """
    await session.execute(update(ConfigVersionRow).values(version=ConfigVersionRow.version + 1))


def upsert(session: AsyncSession, table: type[Any]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say ON CONFLICT, which both backends spell alike but SQLAlchemy does not share."""
    on_postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgres else sqlite.insert(table)
