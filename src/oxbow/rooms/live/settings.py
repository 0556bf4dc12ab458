"""The live room's settings: environment OXBOW_LIVE_*, or the table [live] of the settings file."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from oxbow.kernel.settings import Section
from oxbow.rooms.live.models import DOMAIN_RULE, HUB_NAME_RULE, is_hub_name, normal_domain
from oxbow.rooms.live.play_session import MAX_AGE

NO_HUB = "-"


def _hub_name_or_none(name: str) -> str:
    if name in ("", NO_HUB):
        return ""
    if not is_hub_name(name):
        raise ValueError(f"a hub's name is {HUB_NAME_RULE}")
    return name


def _domain(name: str) -> str:
    normal = normal_domain(name)
    if normal is None:
        raise ValueError(f"a domain is {DOMAIN_RULE}")
    return normal


class LiveSettings(Section, env_prefix="OXBOW_LIVE_", toml_table="live"):
    """What an operator may choose about live streaming."""

    default_hub: Annotated[str, AfterValidator(_hub_name_or_none)] = Field(
        default="live",
        description="A hub that is made at the first start. Anybody may publish to it until its security is "
        f"changed. {NO_HUB} makes none.",
        json_schema_extra={"takes": f"a hub's name ({HUB_NAME_RULE}), or {NO_HUB}"},
    )
    hubs_per_account: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="How many hubs an account may have. The public cloud's default is 20.",
    )
    domains_per_hub: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="How many domains a hub may have bound. The public cloud's default is 20.",
    )
    publishers_per_hub: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="How many streams of a hub may be live at once; 0 for any number, as on the public "
        "cloud.",
    )
    publish_max_kbps: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="Kilobits per second that a publisher may send; one that sends more for 10 seconds is "
        "disconnected. 0 for any bit rate, as on the public cloud, which advises at most 4000.",
    )
    stream_expire_days: int = Field(
        default=15,
        ge=1,
        le=36_500,
        description="Days without a publish after which a stream is cleared away; a hub that keeps "
        "recordings for longer or shorter goes by that.",
    )

    history_days: int = Field(
        default=365,
        ge=1,
        le=36_500,
        description="Days after which the record of a broadcast is deleted.",
    )
    stats_days: int = Field(
        default=3,
        ge=1,
        le=365,
        description="Days that the figures of each stream and minute are kept.",
    )
    cname_suffix: Annotated[str, AfterValidator(_domain)] = Field(
        default="oxbow.internal",
        description="The end of the CNAME that is shown for a bound domain. Its names should lead to this "
        "server.",
        json_schema_extra={"takes": DOMAIN_RULE},
    )

    tick_ms: int = Field(
        default=100,
        ge=10,
        le=1000,
        description="Milliseconds from one delivery to a worker's viewers to the next.",
    )
    grace_seconds: float = Field(
        default=10.0,
        ge=0,
        le=600,
        description="Seconds that a stream's viewers wait for a publisher that went away. "
        "A hub may set its own.",
    )
    play_wait_seconds: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="Seconds that a viewer waits for a stream that nobody publishes yet.",
    )
    play_session_seconds: int = Field(
        default=MAX_AGE,
        ge=60,
        le=30 * 86_400,
        description="Seconds that an HLS viewer who was let in by a signature, a page or an operator's "
        "server may go on without another check. A session ends with its broadcast in any case.",
    )
    log_seconds: float = Field(
        default=12.0,
        ge=2,
        le=600,
        description="Seconds of each stream that stay in shared memory for viewers to read.",
    )
    log_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        le=4 << 30,
        description="The most that one stream keeps in shared memory, in bytes, whatever its bit rate.",
    )
    publish_idle_seconds: float = Field(
        default=20.0,
        ge=1,
        le=3600,
        description="Seconds after which a publisher that sends nothing is disconnected.",
    )
    max_lag_seconds: float = Field(
        default=8.0,
        ge=1,
        le=600,
        description="Seconds that a viewer may lie behind before it is moved to a later keyframe. "
        "Less than OXBOW_LIVE_LOG_SECONDS.",
    )
    stall_seconds: float = Field(
        default=20.0,
        ge=1,
        le=600,
        description="Seconds after which a viewer that takes no bytes at all is dropped.",
    )

    hls_target_seconds: float = Field(
        default=2.0,
        ge=0.5,
        le=30,
        description="Seconds that an HLS segment aims at; it is cut at the next keyframe.",
    )
    hls_window_segments: int = Field(
        default=6,
        ge=3,
        le=60,
        description="How many segments an HLS playlist lists.",
    )

    connections_per_address: int = Field(
        default=5000,
        ge=0,
        le=1_000_000,
        description="How many connections one client address may hold on each port of one worker; "
        "0 for any number.",
    )
    handshake_timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        le=600,
        description="Seconds that a new connection has to say what it wants.",
    )
    max_message_bytes: int = Field(
        default=8 << 20,
        ge=65_536,
        le=16_777_215,
        description="The longest RTMP message a publisher may send, in bytes.",
    )

    @model_validator(mode="after")
    def _the_log_holds_what_a_laggard_may_miss(self) -> Self:
        if self.max_lag_seconds >= self.log_seconds:
            raise ValueError(
                f"OXBOW_LIVE_MAX_LAG_SECONDS={self.max_lag_seconds:g}: it takes less than "
                f"OXBOW_LIVE_LOG_SECONDS={self.log_seconds:g}"
            )
        return self
