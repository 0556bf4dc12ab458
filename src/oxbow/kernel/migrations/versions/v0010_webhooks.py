"""The log of callbacks, which is their queue as well."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """A new table."""
    waiting = sa.text("state = 'waiting'")
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("key", sa.String(600), nullable=False),
        sa.Column("origin", sa.String(300), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.Float(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float()),
        sa.Column("replay_of", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
    )
    op.create_index("ix_webhook_delivery_account_id", "webhook_delivery", ["account", "id"])
    for name, column in (("due", "next_attempt_at"), ("key", "key")):
        op.create_index(
            f"ix_webhook_delivery_{name}",
            "webhook_delivery",
            [column],
            sqlite_where=waiting,
            postgresql_where=waiting,
        )
    op.create_index("ix_webhook_delivery_finished_at", "webhook_delivery", ["finished_at"])
