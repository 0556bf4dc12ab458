"""The live room's tables. Times are Unix seconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base, sorted_by_bytes

# Lists are paged by name, so names must sort by their bytes on every backend, whatever its locale is.
HUB_NAME = sorted_by_bytes(63)
STREAM_NAME = sorted_by_bytes(200)

IS_PARTICULAR = text("disabled_till <> 0 OR publish_security <> ''")
"""Streams that do not simply follow their hub; few, so that they are indexed and kept in memory."""
IS_OPEN = text("ended_at IS NULL")


class ConfigVersionRow(Base):
    """One row with a number that grows with every change other servers must hear of."""

    __tablename__ = "live_config_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    session_key: Mapped[str] = mapped_column(String(64), server_default="")
    """What HLS sessions are signed with; made once, when the database is."""


class HubRow(Base):
    __tablename__ = "live_hub"

    name: Mapped[str] = mapped_column(HUB_NAME, primary_key=True)
    account: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)
    publish_security: Mapped[str] = mapped_column(String(16))
    publish_key: Mapped[str] = mapped_column(String(128))
    auto_create: Mapped[bool]
    second_publisher: Mapped[str] = mapped_column(String(16))
    grace_seconds: Mapped[float | None] = mapped_column(Float)
    hls_plus: Mapped[bool]
    storage_bucket: Mapped[str] = mapped_column(String(128))
    live_data_expire_days: Mapped[int]
    snapshot_interval: Mapped[int]
    vod_domain: Mapped[str] = mapped_column(String(253))
    play_security: Mapped[str] = mapped_column(Text, server_default="{}")  # JSON, as a domain's
    bound_domains_only: Mapped[bool] = mapped_column(server_default=false())


class DomainRow(Base):
    __tablename__ = "live_domain"

    name: Mapped[str] = mapped_column(String(253), primary_key=True)
    hub: Mapped[str] = mapped_column(HUB_NAME, ForeignKey("live_hub.name", ondelete="CASCADE"), index=True)
    type: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[int] = mapped_column(BigInteger)
    # JSON, each as the domain's model spells it; `{}` is a setting that asks for nothing.
    play_security: Mapped[str] = mapped_column(Text, server_default="{}")
    ip_limit: Mapped[str] = mapped_column(Text, server_default="{}")
    referer_limit: Mapped[str] = mapped_column(Text, server_default="{}")
    area_limit: Mapped[str] = mapped_column(Text, server_default="{}")
    url_rewrite: Mapped[str] = mapped_column(Text, server_default="{}")
    connect_callback: Mapped[str] = mapped_column(Text, server_default="{}")
    disconnect_callback: Mapped[str] = mapped_column(Text, server_default="{}")
    disconnect_delay: Mapped[str] = mapped_column(Text, server_default="{}")
    origin_auth: Mapped[str] = mapped_column(Text, server_default="{}")
    cert_name: Mapped[str] = mapped_column(String(24), server_default="")
    """A certificate's id, or empty. Only changed, as the certificate is, after `announce_change`."""
    disabled: Mapped[bool] = mapped_column(server_default=false())


class DomainCheckRow(Base):
    """What DNS said when it was last asked about a domain."""

    __tablename__ = "live_domain_check"

    domain: Mapped[str] = mapped_column(
        String(253), ForeignKey("live_domain.name", ondelete="CASCADE"), primary_key=True
    )
    expected: Mapped[str] = mapped_column(String(600))
    chain: Mapped[str] = mapped_column(Text)
    """A JSON list, as `addresses` is."""
    addresses: Mapped[str] = mapped_column(Text)
    problem: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    resolver: Mapped[str] = mapped_column(String(64))
    checked_at: Mapped[int] = mapped_column(BigInteger)


class StreamRow(Base):
    __tablename__ = "live_stream"
    __table_args__ = (
        Index(
            "ix_live_stream_particular",
            "hub",
            "key",
            sqlite_where=IS_PARTICULAR,
            postgresql_where=IS_PARTICULAR,
        ),
    )

    hub: Mapped[str] = mapped_column(
        HUB_NAME, ForeignKey("live_hub.name", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(STREAM_NAME, primary_key=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)
    published_at: Mapped[int] = mapped_column(BigInteger)
    disabled_till: Mapped[int] = mapped_column(BigInteger)
    disabled_reason: Mapped[str] = mapped_column(String(200), server_default="")
    publish_security: Mapped[str] = mapped_column(String(16))
    publish_key: Mapped[str] = mapped_column(String(128))
    last_nonce: Mapped[int] = mapped_column(BigInteger)


class ActivityRow(Base):
    """A broadcast. It outlives its stream, since what happened stays true, but not its hub."""

    __tablename__ = "live_activity"
    __table_args__ = (
        Index("ix_live_activity_hub_stream_started_at", "hub", "stream", "started_at"),
        Index("ix_live_activity_open", "node", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    hub: Mapped[str] = mapped_column(HUB_NAME)
    stream: Mapped[str] = mapped_column(STREAM_NAME)
    node: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    client_addr: Mapped[str] = mapped_column(String(64))
    server_addr: Mapped[str] = mapped_column(String(64))
    publisher: Mapped[str] = mapped_column(Text, server_default="")
