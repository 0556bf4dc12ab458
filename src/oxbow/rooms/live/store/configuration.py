"""Hubs and their domains, and everything servers keep in memory of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.audit import columns_of, record, recorded
from oxbow.kernel.database import Database
from oxbow.rooms.live.certificates.models import StoredCertificate
from oxbow.rooms.live.errors import (
    DomainConflict,
    DomainNotFound,
    HubExists,
    HubNotFound,
    NoSuchDomain,
    TooMany,
)
from oxbow.rooms.live.models import Domain, Hub, Stream
from oxbow.rooms.live.store.certificate_rows import certificates_in_use, open_challenges
from oxbow.rooms.live.store.rows import (
    announce_change,
    column_of,
    domain_of,
    domain_subject,
    hub_of,
    hub_subject,
    owned_hub,
    stream_of,
    values_of,
)
from oxbow.rooms.live.store.tables import (
    IS_PARTICULAR,
    ActivityRow,
    ConfigVersionRow,
    DomainRow,
    HubRow,
    StreamRow,
)

FIRST_VERSION = 1
"""What a new database begins with."""


@dataclass(frozen=True)
class Configuration:
    """All that decisions are taken with, as it was at one version."""

    version: int = 0
    hubs: dict[str, Hub] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    particular: dict[tuple[str, str], Stream] = field(default_factory=dict)
    """By (hub, stream): the streams that are disabled or have a security of their own."""
    certificates: dict[str, StoredCertificate] = field(default_factory=dict)
    """By id: those that some domain shows."""
    challenges: dict[str, str] = field(default_factory=dict)
    """What certificate authorities are answered, by token."""
    session_key: str = ""
    """What HLS sessions are signed with, on every server of this database."""


class ConfigurationStore:
    """Every change announces itself to all servers in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def version(self) -> int:
        """The number that grows with each change."""
        async with self._database.session(readonly=True) as session:
            return await _version(session)

    async def load(self) -> Configuration:
        """Everything, as of one moment."""
        async with self._database.session(readonly=True) as session:
            # The version is read first: a change that slips in between is then read again, never missed.
            version = await _version(session)
            hubs = (await session.scalars(select(HubRow))).all()
            domains = (await session.scalars(select(DomainRow))).all()
            streams = (await session.scalars(select(StreamRow).where(IS_PARTICULAR))).all()
            return Configuration(
                version,
                {row.name: hub_of(row) for row in hubs},
                {row.name: domain_of(row) for row in domains},
                {(row.hub, row.key): stream_of(row) for row in streams},
                await certificates_in_use(session),
                await open_challenges(session),
                (await session.scalars(select(ConfigVersionRow.session_key))).one(),
            )

    async def hubs(self, account: int) -> list[Hub]:
        """The account's hubs, oldest first."""
        query = select(HubRow).where(HubRow.account == account).order_by(HubRow.created_at, HubRow.name)
        async with self._database.session(readonly=True) as session:
            return [hub_of(row) for row in await session.scalars(query)]

    async def hub(self, name: str, account: int) -> tuple[Hub, list[Domain]]:
        """A hub with its domains, oldest first; HubNotFound."""
        async with self._database.session(readonly=True) as session:
            hub = hub_of(await owned_hub(session, name, account))
            return hub, await _domains(session, name)

    async def create_hub(self, hub: Hub, limit: int) -> None:
        """HubExists for any account's hub of that name, TooMany where the account has `limit` already."""
        async with self._database.session() as session:
            await announce_change(session)
            if await session.get(HubRow, hub.name) is not None:
                raise HubExists
            if await _hub_count(session, hub.account) >= limit:
                raise TooMany("hubs", limit)
            _add_hub(session, hub)

    async def create_first_hub(self, hub: Hub) -> bool:
        """Create the hub if nobody has ever changed anything, whoever may start at once; whether it did."""
        async with self._database.session() as session:
            await announce_change(session)
            if await _version(session) > FIRST_VERSION + 1:
                await session.rollback()
                return False
            _add_hub(session, hub)
            return True

    async def change_hub(self, name: str, account: int, now: int, **changes: Any) -> None:
        """Set some columns; HubNotFound."""
        async with self._database.session() as session:
            await announce_change(session)
            row = await owned_hub(session, name, account)
            with recorded(session, hub_subject(name), row, account=account):
                for column, value in changes.items():
                    setattr(row, column, column_of(value))
                row.updated_at = now

    async def delete_hub(self, name: str, account: int) -> None:
        """With its domains, streams and history; HubNotFound."""
        async with self._database.session() as session:
            await announce_change(session)
            row = await owned_hub(session, name, account)
            await session.execute(delete(ActivityRow).where(ActivityRow.hub == name))
            record(session, hub_subject(name), columns_of(row), None, account=account)
            await session.delete(row)

    async def domain(self, hub: str, name: str, account: int) -> Domain:
        """HubNotFound, or NoSuchDomain if it is not bound to this hub."""
        async with self._database.session(readonly=True) as session:
            await owned_hub(session, hub, account)
            row = await session.get(DomainRow, name)
            if row is None or row.hub != hub:
                raise NoSuchDomain
            return domain_of(row)

    async def bind(
        self, domain: Domain, account: int, limit: int, also: Callable[[AsyncSession], object] | None = None
    ) -> None:
        """HubNotFound, DomainConflict for a domain bound to any hub, TooMany.

        :param also: something to be kept in the same transaction.
        """
        async with self._database.session() as session:
            await announce_change(session)
            hub = await owned_hub(session, domain.hub, account)
            if await session.get(DomainRow, domain.name) is not None:
                raise DomainConflict
            if len(await _domains(session, domain.hub)) >= limit:
                raise TooMany("domains", limit)
            session.add(row := DomainRow(**values_of(domain)))
            record(session, domain_subject(row), None, columns_of(row), account=account)
            hub.updated_at = domain.created_at
            if also is not None:
                also(session)

    async def change_domain(self, hub: str, name: str, account: int, now: int, **changes: Any) -> None:
        """Set some of a domain's fields; HubNotFound, NoSuchDomain."""
        async with self._database.session() as session:
            await announce_change(session)
            hub_row = await owned_hub(session, hub, account)
            row = await session.get(DomainRow, name)
            if row is None or row.hub != hub:
                raise NoSuchDomain
            with recorded(session, domain_subject(row), row, account=account):
                for column, value in changes.items():
                    setattr(row, column, column_of(value))
            hub_row.updated_at = now

    async def unbind(
        self,
        hub: str,
        name: str,
        account: int,
        now: int,
        also: Callable[[AsyncSession], object] | None = None,
    ) -> None:
        """DomainNotFound, be it for the hub or for the domain.

        :param also: something to be kept in the same transaction.
        """
        async with self._database.session() as session:
            await announce_change(session)
            try:
                hub_row = await owned_hub(session, hub, account)
            except HubNotFound:
                raise DomainNotFound from None
            row = await session.get(DomainRow, name)
            if row is None or row.hub != hub:
                raise DomainNotFound
            record(session, domain_subject(row), columns_of(row), None, account=account)
            await session.delete(row)
            hub_row.updated_at = now
            if also is not None:
                also(session)


def _add_hub(session: AsyncSession, hub: Hub) -> None:
    session.add(row := HubRow(**values_of(hub)))
    record(session, hub_subject(hub.name), None, columns_of(row), account=hub.account)


async def _version(session: AsyncSession) -> int:
    return (await session.scalars(select(ConfigVersionRow.version))).one()


async def _hub_count(session: AsyncSession, account: int) -> int:
    query = select(func.count()).select_from(HubRow).where(HubRow.account == account)
    return (await session.scalars(query)).one()


async def _domains(session: AsyncSession, hub: str) -> list[Domain]:
    query = select(DomainRow).where(DomainRow.hub == hub).order_by(DomainRow.created_at, DomainRow.name)
    rows: Sequence[DomainRow] = (await session.scalars(query)).all()
    return [domain_of(row) for row in rows]
