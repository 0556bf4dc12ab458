"""What play authorisation needs: settings of a domain, and the key of HLS sessions."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Existing domains ask for nothing, as before."""
    for name in ("play_security", "ip_limit", "referer_limit"):
        op.add_column("live_domain", sa.Column(name, sa.Text(), nullable=False, server_default="{}"))
    op.add_column(
        "live_config_version", sa.Column("session_key", sa.String(64), nullable=False, server_default="")
    )
    version = sa.table("live_config_version", sa.column("session_key", sa.String))
    op.execute(version.update().values(session_key=secrets.token_hex(32)))
