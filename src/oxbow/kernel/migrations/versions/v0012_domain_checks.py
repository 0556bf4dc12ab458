"""What DNS last said of each bound domain."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Nothing is known of existing domains until they are looked at."""
    op.create_table(
        "live_domain_check",
        sa.Column("domain", sa.String(253), nullable=False),
        sa.Column("expected", sa.String(600), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("resolver", sa.String(64), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_live_domain_check"),
        sa.ForeignKeyConstraint(
            ["domain"],
            ["live_domain.name"],
            name="fk_live_domain_check_domain_live_domain",
            ondelete="CASCADE",
        ),
    )
