"""Streams minute by minute."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# Names sort by their bytes on every backend.
HUB_NAME = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
STREAM_NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


def upgrade() -> None:
    """Nothing was kept before."""
    op.create_table(
        "live_stream_minute",
        sa.Column("minute", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("hub", HUB_NAME, nullable=False),
        sa.Column("stream", STREAM_NAME, nullable=False),
        sa.Column("stats", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "hub", "stream", name="pk_live_stream_minute"),
        sqlite_with_rowid=False,
    )
