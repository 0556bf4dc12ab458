"""The record of what was refused, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A table that only grows at its end, and is cut at its beginning."""
    op.create_table(
        "refusal",
        sa.Column("id", ID, primary_key=True),
        sa.Column("reqid", sa.String(64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("protocol", sa.String(16), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(200), nullable=False),
        sa.Column("domain", sa.String(253), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("access_key", sa.String(64), nullable=False),
        sa.Column("more", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.UniqueConstraint("reqid", name="uq_refusal_reqid"),
    )
    op.create_index("ix_refusal_at", "refusal", ["at"])
    op.create_index("ix_refusal_account_hub_stream_id", "refusal", ["account", "hub", "stream", "id"])
    op.create_index("ix_refusal_account_address_id", "refusal", ["account", "address", "id"])
