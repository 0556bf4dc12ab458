"""Usage: records, the books and series they are summed up by, and the sums."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing was counted before."""
    op.create_table(
        "usage_record",
        sa.Column("event", sa.String(128), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event", name="pk_usage_record"),
    )
    op.create_index("ix_usage_record_recorded_at", "usage_record", ["recorded_at"])
    _create_series()
    op.create_table(
        "usage_sum",
        sa.Column("step", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("book", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("series", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("step", "book", "bucket", "series", name="pk_usage_sum"),
        sqlite_with_rowid=False,
    )


def _create_series() -> None:
    op.create_table(
        "usage_book",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("meter", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_book"),
    )
    op.create_index("ix_usage_book_account_meter", "usage_book", ["account", "meter"], unique=True)
    op.create_table(
        "usage_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("book", sa.Integer(), nullable=False),
        sa.Column("dimensions", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_series"),
        sa.ForeignKeyConstraint(["book"], ["usage_book.id"], name="fk_usage_series_book_usage_book"),
    )
    op.create_index("ix_usage_series_book_dimensions", "usage_series", ["book", "dimensions"], unique=True)
