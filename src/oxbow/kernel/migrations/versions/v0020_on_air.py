"""Which server publishes which stream, where several share a PostgreSQL."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

# Names sort by their bytes on every backend.
HUB_NAME = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
STREAM_NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


def upgrade() -> None:
    """Not logged, and with room for new versions of a row beside it: each is written anew once a second."""
    shared = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "live_on_air",
        sa.Column("hub", HUB_NAME, nullable=False),
        sa.Column("stream", STREAM_NAME, nullable=False),
        sa.Column("node", sa.String(255), nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("cut", sa.String(64), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hub", "stream", name="pk_live_on_air"),
        prefixes=["UNLOGGED"] if shared else [],
        postgresql_with={"fillfactor": 50},
    )
