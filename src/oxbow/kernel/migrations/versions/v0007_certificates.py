"""Certificates, their orders from a certificate authority, and domains that show them or are disabled."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Existing domains have no certificate and stay enabled."""
    op.add_column("live_domain", sa.Column("cert_name", sa.String(24), nullable=False, server_default=""))
    op.add_column(
        "live_domain", sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    _create_certificates()
    _create_acme()


def _create_certificates() -> None:
    op.create_table(
        "live_certificate",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("common_name", sa.String(255), nullable=False),
        sa.Column("dns_names", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("chain_pem", sa.Text(), nullable=False),
        sa.Column("key_pem", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_certificate"),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name="fk_live_certificate_account_account"),
    )
    op.create_index("ix_live_certificate_account", "live_certificate", ["account"])


def _create_acme() -> None:
    op.create_table(
        "live_acme_account",
        sa.Column("directory", sa.String(500), nullable=False),
        sa.Column("key_pem", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("directory", name="pk_live_acme_account"),
    )
    op.create_table(
        "live_acme_key",
        sa.Column("order", sa.String(64), nullable=False),
        sa.Column("key_pem", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order", name="pk_live_acme_key"),
    )
    op.create_table(
        "live_acme_challenge",
        sa.Column("token", sa.String(255), nullable=False),
        sa.Column("order", sa.String(64), nullable=False),
        sa.Column("answer", sa.String(512), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_live_acme_challenge"),
    )
    op.create_index("ix_live_acme_challenge_order", "live_acme_challenge", ["order"])
