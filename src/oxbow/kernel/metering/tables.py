"""The tables of metering. Times are Unix seconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base


class RecordRow(Base):
    """What was told at once; rows are added and, when they are old, deleted, but never changed."""

    __tablename__ = "usage_record"

    event: Mapped[str] = mapped_column(String(128), primary_key=True)
    recorded_at: Mapped[int] = mapped_column(BigInteger, index=True)
    entries: Mapped[str] = mapped_column(Text)
    """JSON: {"<start of five minutes>": {"<series>": quantity}}."""


class BookRow(Base):
    """An account's use of one meter."""

    __tablename__ = "usage_book"
    __table_args__ = (Index("ix_usage_book_account_meter", "account", "meter", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[int]
    meter: Mapped[str] = mapped_column(String(64))


class SeriesRow(Base):
    """A combination of values of the meter's dimensions that occurred."""

    __tablename__ = "usage_series"
    __table_args__ = (Index("ix_usage_series_book_dimensions", "book", "dimensions", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    book: Mapped[int] = mapped_column(ForeignKey("usage_book.id"))
    dimensions: Mapped[str] = mapped_column(Text)
    """A JSON object, in the meter's order."""


class SumRow(Base):
    """The sum of a series over one bucket.

    The key's order keeps what is asked for together, and what is written together, too: the running bucket of
    every series of a book.
    """

    __tablename__ = "usage_sum"
    __table_args__ = ({"sqlite_with_rowid": False},)

    step: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """The number of the step: 0 for five minutes, 1 for hours, 2 for days, 3 for months."""
    book: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bucket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    series: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int] = mapped_column(BigInteger)
