"""Live streaming: hubs, domains, streams and the history of broadcasts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Names sort by their bytes on every backend.
HUB_NAME = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
STREAM_NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
IS_PARTICULAR = sa.text("disabled_till <> 0 OR publish_security <> ''")
IS_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Create the tables of the live room, and the one row of its version."""
    _create_version()
    _create_hubs()
    _create_domains()
    _create_streams()
    _create_activities()


def _create_version() -> None:
    version = op.create_table(
        "live_config_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_config_version"),
    )
    op.bulk_insert(version, [{"id": 1, "version": 1}])


def _create_hubs() -> None:
    op.create_table(
        "live_hub",
        sa.Column("name", HUB_NAME, nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("publish_security", sa.String(16), nullable=False),
        sa.Column("publish_key", sa.String(128), nullable=False),
        sa.Column("auto_create", sa.Boolean(), nullable=False),
        sa.Column("second_publisher", sa.String(16), nullable=False),
        sa.Column("grace_seconds", sa.Float(), nullable=True),
        sa.Column("hls_plus", sa.Boolean(), nullable=False),
        sa.Column("storage_bucket", sa.String(128), nullable=False),
        sa.Column("live_data_expire_days", sa.Integer(), nullable=False),
        sa.Column("snapshot_interval", sa.Integer(), nullable=False),
        sa.Column("vod_domain", sa.String(253), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_live_hub"),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name="fk_live_hub_account_account"),
    )
    op.create_index("ix_live_hub_account", "live_hub", ["account"])


def _create_domains() -> None:
    op.create_table(
        "live_domain",
        sa.Column("name", sa.String(253), nullable=False),
        sa.Column("hub", HUB_NAME, nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_live_domain"),
        sa.ForeignKeyConstraint(
            ["hub"], ["live_hub.name"], name="fk_live_domain_hub_live_hub", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_live_domain_hub", "live_domain", ["hub"])


def _create_streams() -> None:
    op.create_table(
        "live_stream",
        sa.Column("hub", HUB_NAME, nullable=False),
        sa.Column("key", STREAM_NAME, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_till", sa.BigInteger(), nullable=False),
        sa.Column("publish_security", sa.String(16), nullable=False),
        sa.Column("publish_key", sa.String(128), nullable=False),
        sa.Column("last_nonce", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hub", "key", name="pk_live_stream"),
        sa.ForeignKeyConstraint(
            ["hub"], ["live_hub.name"], name="fk_live_stream_hub_live_hub", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_live_stream_particular",
        "live_stream",
        ["hub", "key"],
        sqlite_where=IS_PARTICULAR,
        postgresql_where=IS_PARTICULAR,
    )


def _create_activities() -> None:
    op.create_table(
        "live_activity",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("hub", HUB_NAME, nullable=False),
        sa.Column("stream", STREAM_NAME, nullable=False),
        sa.Column("node", sa.String(255), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("client_addr", sa.String(64), nullable=False),
        sa.Column("server_addr", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_activity"),
    )
    op.create_index(
        "ix_live_activity_hub_stream_started_at", "live_activity", ["hub", "stream", "started_at"]
    )
    op.create_index(
        "ix_live_activity_open",
        "live_activity",
        ["node"],
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
