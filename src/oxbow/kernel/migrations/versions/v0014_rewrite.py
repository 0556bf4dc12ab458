"""Rewrite rules of domains, and what hubs ask of whoever plays."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Existing domains rewrite nothing, and existing hubs ask for nothing, as before."""
    op.add_column("live_domain", sa.Column("url_rewrite", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("live_hub", sa.Column("play_security", sa.Text(), nullable=False, server_default="{}"))
    op.add_column(
        "live_hub",
        sa.Column("bound_domains_only", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
