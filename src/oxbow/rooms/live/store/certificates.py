"""Certificates in the database: the only SQL about them."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.audit import record, recorded
from oxbow.kernel.database import Database
from oxbow.rooms.live.certificates.errors import CertificateInUse, CertificateNotFound
from oxbow.rooms.live.certificates.models import ID, StoredCertificate
from oxbow.rooms.live.errors import BadArgument, NoSuchDomain, TooMany
from oxbow.rooms.live.store.certificate_rows import certificate_of, row_of, subject_of, told
from oxbow.rooms.live.store.certificate_tables import CertificateRow
from oxbow.rooms.live.store.rows import announce_change, domain_subject, owned_hub
from oxbow.rooms.live.store.tables import DomainRow


class CertificateStore:
    """What workers show changes with a domain's `cert_name` only; a certificate itself never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, certificate: StoredCertificate, limit: int) -> str:
        """Keep a certificate and return its id: the same files give the same one. TooMany beyond `limit`."""
        async with self._database.session() as session:
            await announce_change(session)  # which makes additions wait for each other
            mine = select(CertificateRow.id, CertificateRow.fingerprint).where(
                CertificateRow.account == certificate.account
            )
            known = {fingerprint: id_ for id_, fingerprint in await session.execute(mine)}
            if certificate.fingerprint in known:
                return known[certificate.fingerprint]
            if len(known) >= limit:
                raise TooMany("certificates", limit)
            session.add(row_of(certificate))
            record(session, subject_of(certificate.id), None, told(certificate), account=certificate.account)
        return certificate.id

    async def get(self, id_: str, account: int) -> StoredCertificate:
        """CertificateNotFound, for another account's as well."""
        async with self._database.session(readonly=True) as session:
            return certificate_of(await _owned(session, id_, account))

    async def page(self, account: int, after: str, limit: int) -> list[StoredCertificate]:
        """By id, which is the order in which they came."""
        query = (
            select(CertificateRow)
            .where(CertificateRow.account == account, CertificateRow.id > after)
            .order_by(CertificateRow.id)
            .limit(limit)
        )
        async with self._database.session(readonly=True) as session:
            return [certificate_of(row) for row in await session.scalars(query)]

    async def delete(self, id_: str, account: int) -> None:
        """CertificateNotFound; CertificateInUse while a domain shows it."""
        async with self._database.session() as session:
            await announce_change(session)
            row = await _owned(session, id_, account)
            users = await session.scalars(select(DomainRow.name).where(DomainRow.cert_name == id_))
            if names := list(users):
                raise CertificateInUse(names)
            record(session, subject_of(id_), told(certificate_of(row)), None, account=account)
            await session.delete(row)

    async def deploy(
        self,
        hub: str,
        domain: str,
        id_: str,
        account: int,
        now: int,
        also: Callable[[AsyncSession], object] | None = None,
    ) -> None:
        """Let a domain show a certificate, or none for an empty id.

        `also` is something to be kept in the same transaction.
        HubNotFound, NoSuchDomain; BadArgument (`certName`) for one that is not there or not for the domain.
        """
        async with self._database.session() as session:
            await announce_change(session)
            hub_row = await owned_hub(session, hub, account)
            row = await session.get(DomainRow, domain)
            if row is None or row.hub != hub:
                raise NoSuchDomain
            if id_:
                await _check_fits(session, id_, account, domain)
            with recorded(session, domain_subject(row), row, account=account):
                row.cert_name = id_
            hub_row.updated_at = now
            if also is not None:
                also(session)

    async def in_use(self) -> list[tuple[str, StoredCertificate]]:
        """Every domain that shows a certificate, and which."""
        query = select(DomainRow.name, CertificateRow).join(
            CertificateRow, CertificateRow.id == DomainRow.cert_name
        )
        async with self._database.session(readonly=True) as session:
            return [(name, certificate_of(row)) for name, row in await session.execute(query)]


async def _check_fits(session: AsyncSession, id_: str, account: int, domain: str) -> None:
    try:
        certificate = certificate_of(await _owned(session, id_, account))
    except CertificateNotFound:
        raise BadArgument("certName", "is no certificate's certID; POST /sslcert gives one") from None
    if not certificate.covers(domain):
        names = ", ".join(certificate.dns_names[:5])
        raise BadArgument("certName", f"the certificate is for {names}, not for {domain}")


async def _owned(session: AsyncSession, id_: str, account: int) -> CertificateRow:
    row = await session.get(CertificateRow, id_) if ID.fullmatch(id_) else None
    if row is None or row.account != account:
        raise CertificateNotFound
    return row
