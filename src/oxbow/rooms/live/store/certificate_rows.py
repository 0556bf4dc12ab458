"""Between rows and models, and what every server keeps in memory of them."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.rooms.live.certificates.models import Source, StoredCertificate
from oxbow.rooms.live.store.certificate_tables import AcmeChallengeRow, CertificateRow
from oxbow.rooms.live.store.tables import DomainRow


def row_of(certificate: StoredCertificate) -> CertificateRow:
    names, source = json.dumps(certificate.dns_names), str(certificate.source)
    return CertificateRow(**(asdict(certificate) | {"dns_names": names, "source": source}))


def certificate_of(row: CertificateRow) -> StoredCertificate:
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    values |= {"dns_names": tuple(json.loads(row.dns_names)), "source": Source(row.source)}
    return StoredCertificate(**values)


def subject_of(id_: str) -> str:
    """What audit records of a certificate are about."""
    return f"certificate/{id_}"


def told(certificate: StoredCertificate) -> dict[str, object]:
    """What audit records say of a certificate: what it is, and nothing of its key."""
    return {
        "name": certificate.name,
        "dns_names": list(certificate.dns_names),
        "not_after": certificate.not_after,
        "fingerprint": certificate.fingerprint,
        "source": str(certificate.source),
    }


async def certificates_in_use(session: AsyncSession) -> dict[str, StoredCertificate]:
    """By id: everything that some domain shows."""
    used = select(DomainRow.cert_name).where(DomainRow.cert_name != "")
    rows = await session.scalars(select(CertificateRow).where(CertificateRow.id.in_(used)))
    return {row.id: certificate_of(row) for row in rows}


async def open_challenges(session: AsyncSession) -> dict[str, str]:
    """By token: what certificate authorities wait for."""
    rows = await session.scalars(select(AcmeChallengeRow))
    return {row.token: row.answer for row in rows}
