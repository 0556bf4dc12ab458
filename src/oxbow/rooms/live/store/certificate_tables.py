"""The tables of certificates and of their orders. Times are Unix seconds.

Private keys stand here as they are: who can read the database can also read the accounts' secret keys.
SQLite's file is for the server's user alone; who may read a PostgreSQL is the operator's matter.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base


class CertificateRow(Base):
    __tablename__ = "live_certificate"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    account: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    common_name: Mapped[str] = mapped_column(String(255))
    dns_names: Mapped[str] = mapped_column(Text)
    """A JSON list."""
    not_before: Mapped[int] = mapped_column(BigInteger)
    not_after: Mapped[int] = mapped_column(BigInteger)
    issuer: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64))
    chain_pem: Mapped[str] = mapped_column(Text)
    key_pem: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(16))


class AcmeAccountRow(Base):
    """Who this installation is at a certificate authority."""

    __tablename__ = "live_acme_account"

    directory: Mapped[str] = mapped_column(String(500), primary_key=True)
    key_pem: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    """Empty until the authority has answered."""


class AcmeKeyRow(Base):
    """The private key of a certificate that is on order."""

    __tablename__ = "live_acme_key"

    order: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_pem: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)


class AcmeChallengeRow(Base):
    """What the media port answers to the authority while an order is open."""

    __tablename__ = "live_acme_challenge"

    token: Mapped[str] = mapped_column(String(255), primary_key=True)
    order: Mapped[str] = mapped_column(String(64), index=True)
    answer: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[int] = mapped_column(BigInteger)
