"""Accounts and key pairs in the database; the only SQL about them."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from oxbow.kernel.accounts.models import NOTE_LENGTH
from oxbow.kernel.database import Base


class AccountRow(Base):
    """The table of accounts."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)


class KeyPairRow(Base):
    """The table of key pairs.  Secrets are kept as they are: checking an HMAC needs them."""

    __tablename__ = "key_pair"

    access_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    secret_key: Mapped[str] = mapped_column(String(128))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    enabled: Mapped[bool]
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH))
    created_at: Mapped[int] = mapped_column(BigInteger)

    account: Mapped[AccountRow] = relationship(lazy="joined", innerjoin=True)
