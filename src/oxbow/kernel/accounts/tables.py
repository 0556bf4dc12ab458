"""The tables of accounts, their users, and the key pairs of both."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from oxbow.kernel.accounts.models import ALIAS_LENGTH, NOTE_LENGTH, Account, KeyPair, User
from oxbow.kernel.database import Base


class AccountRow(Base):
    """The table of accounts."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)


class UserRow(Base):
    """The table of users.  What they may do is the business of :mod:`oxbow.kernel.iam`."""

    __tablename__ = "iam_user"
    __table_args__ = (UniqueConstraint("account_id", "alias"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    alias: Mapped[str] = mapped_column(String(ALIAS_LENGTH))
    password_hash: Mapped[str] = mapped_column(String(200))
    """Empty for a user that has no password; see :mod:`oxbow.kernel.iam.passwords`."""
    enabled: Mapped[bool]
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class KeyPairRow(Base):
    """The table of key pairs.  Secrets are kept as they are: checking an HMAC needs them."""

    __tablename__ = "key_pair"

    access_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    secret_key: Mapped[str] = mapped_column(String(128))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("iam_user.id", ondelete="CASCADE"), index=True)
    """Whose it is; none for the account's own."""
    enabled: Mapped[bool]
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH))
    created_at: Mapped[int] = mapped_column(BigInteger)

    account: Mapped[AccountRow] = relationship(lazy="joined", innerjoin=True)
    user: Mapped[UserRow | None] = relationship(lazy="joined")

    def model(self) -> KeyPair:
        """The row as the rest of the house knows it."""
        owner = Account(self.account.id, self.account.name)
        user = User(self.user.id, self.user.alias, self.user.enabled) if self.user else None
        return KeyPair(
            self.access_key, self.secret_key, owner, self.enabled, self.note, self.created_at, user
        )
