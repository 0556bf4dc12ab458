"""The tables of groups, policies and what belongs together; users and keys are with the accounts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base
from oxbow.kernel.iam.models import DESCRIPTION_LENGTH


class IamVersionRow(Base):
    """One row with a number that grows with every change other servers must hear of."""

    __tablename__ = "iam_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


class GroupRow(Base):
    """The table of groups."""

    __tablename__ = "iam_group"
    __table_args__ = (UniqueConstraint("account_id", "alias"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    alias: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH))
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class PolicyRow(Base):
    """The table of policies."""

    __tablename__ = "iam_policy"
    __table_args__ = (UniqueConstraint("account_id", "alias"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    alias: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH))
    edit_type: Mapped[int]
    statements: Mapped[str] = mapped_column(Text)
    """JSON, in the form of the wire."""
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


def _link(name: str, left: str, right: str) -> Table:
    """A table of pairs; both sides take their pairs with them when they go."""
    columns: tuple[Column[int], ...] = tuple(
        Column(f"{side}_id", ForeignKey(f"iam_{side}.id", ondelete="CASCADE"), primary_key=True)
        for side in (left, right)
    )
    return Table(name, Base.metadata, *columns)


USER_POLICY = _link("iam_user_policy", "user", "policy")
GROUP_POLICY = _link("iam_group_policy", "group", "policy")
GROUP_USER = _link("iam_group_user", "group", "user")
