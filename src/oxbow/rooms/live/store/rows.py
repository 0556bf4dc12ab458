"""Between rows and models, and the helpers that every store here needs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.callbacks.settings import (
    ConnectCallback,
    DisconnectCallback,
    DisconnectDelay,
    OriginAuth,
)
from oxbow.rooms.live.errors import HubNotFound
from oxbow.rooms.live.limits import IpLimit, RefererLimit
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
from oxbow.rooms.live.play_security import PlaySecurity
from oxbow.rooms.live.store.tables import ActivityRow, ConfigVersionRow, DomainRow, HubRow, StreamRow
from oxbow.rooms.live.url_rewrite import UrlRewrite


def hub_of(row: HubRow) -> Hub:
    values = _columns(row)
    values["publish_security"] = PublishSecurity(row.publish_security)
    values["second_publisher"] = SecondPublisher(row.second_publisher)
    values["play_security"] = msgspec.json.decode(row.play_security, type=PlaySecurity)
    return Hub(**values)


def domain_of(row: DomainRow) -> Domain:
    return Domain(
        row.name,
        row.hub,
        DomainType(row.type),
        row.created_at,
        msgspec.json.decode(row.play_security, type=PlaySecurity),
        msgspec.json.decode(row.ip_limit, type=IpLimit),
        msgspec.json.decode(row.referer_limit, type=RefererLimit),
        cert_name=row.cert_name,
        disabled=row.disabled,
        url_rewrite=msgspec.json.decode(row.url_rewrite, type=UrlRewrite),
        area_limit=msgspec.json.decode(row.area_limit, type=AreaLimit),
        connect_callback=msgspec.json.decode(row.connect_callback, type=ConnectCallback),
        disconnect_callback=msgspec.json.decode(row.disconnect_callback, type=DisconnectCallback),
        disconnect_delay=msgspec.json.decode(row.disconnect_delay, type=DisconnectDelay),
        origin_auth=msgspec.json.decode(row.origin_auth, type=OriginAuth),
    )


def column_of(value: Any) -> Any:
    """A model's field as its column holds it: enumerations are text, settings of several fields are JSON."""
    if isinstance(value, msgspec.Struct):
        return msgspec.json.encode(value).decode()
    return str(value) if isinstance(value, str) else value


def stream_of(row: StreamRow) -> Stream:
    values = _columns(row)
    values["publish_security"] = PublishSecurity(row.publish_security)
    return Stream(**values)


def activity_of(row: ActivityRow) -> Activity:
    return Activity(**_columns(row))


def values_of(model: Hub | Domain | Stream | Activity) -> dict[str, Any]:
    """A model as the columns of its table."""
    return {item.name: column_of(getattr(model, item.name)) for item in fields(model)}


def hub_subject(name: str) -> str:
    """What audit records of a hub are about; those of what is in it begin so, too."""
    return f"hub/{name}"


def domain_subject(row: DomainRow) -> str:
    """What audit records of a domain are about."""
    return f"{hub_subject(row.hub)}/domain/{row.name}"


def stream_subject(hub: str, key: str) -> str:
    """What audit records of a stream are about."""
    return f"{hub_subject(hub)}/stream/{key}"


def _columns(row: HubRow | StreamRow | ActivityRow) -> dict[str, Any]:
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
