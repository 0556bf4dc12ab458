"""What a domain asks and tells an operator's own servers."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Existing domains ask and tell nothing, as before."""
    for name in ("connect_callback", "disconnect_callback", "disconnect_delay", "origin_auth"):
        op.add_column("live_domain", sa.Column(name, sa.Text(), nullable=False, server_default="{}"))
