"""The settings of the server itself."""

from __future__ import annotations

import hashlib
import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, model_validator

from oxbow.kernel.settings.errors import SettingsError
from oxbow.kernel.settings.listen import ListenAddress
from oxbow.kernel.settings.section import DEFAULT_HOME, Section

Directory = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
File = Directory
_PATH = {"takes": "a directory's path"}


def _default_shm_dir(values: dict[str, Any]) -> Path:
    # Two homes of one user must not share logs, and neither must two users of one machine.
    digest = hashlib.sha256(str(values["home"]).encode()).hexdigest()[:12]
    return Path(f"/dev/shm/oxbow-{os.getuid()}-{digest}")  # noqa: S108 (per user, created with mode 0700)


def _postgres_url(value: SecretStr) -> SecretStr:
    if not re.match(r"postgres(ql)?(\+asyncpg)?://", value.get_secret_value()):
        raise ValueError
    return value


def _time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError(f"there is no time zone {name[:60]!r}") from None


def _default_workers() -> int:
    return min(len(os.sched_getaffinity(0)), 8)


class KernelSettings(Section, env_prefix="OXBOW_"):
    """Where the server lives, what it listens on, and how much it takes from one client."""

    home: Directory = Field(
        default=Path(DEFAULT_HOME),
        validate_default=True,
        description="The directory that holds the database, sockets and oxbow.toml.",
        json_schema_extra=dict(_PATH),
    )
    api_listen: ListenAddress = Field(
        default=ListenAddress("127.0.0.1", 7070),
        description="Where the HTTP API listens; metrics and health are served there, too.",
    )
    media_listen: ListenAddress = Field(
        default=ListenAddress("0.0.0.0", 7080),
        description="Where viewers fetch HTTP-FLV, WebSocket-FLV and HLS.",
    )
    rtmp_listen: ListenAddress = Field(
        default=ListenAddress("0.0.0.0", 1935), description="Where RTMP publishers and players connect."
    )
    media_tls_listen: ListenAddress | None = Field(
        default=None,
        description="Where viewers fetch the same over TLS: https and wss, for domains that have a "
        "certificate. By default nowhere; 0.0.0.0:443 is usual.",
        json_schema_extra={"takes": ListenAddress.TAKES},
    )
    rtmps_listen: ListenAddress | None = Field(
        default=None,
        description="Where RTMP over TLS connects, for domains that have a certificate. By default nowhere; "
        "0.0.0.0:1936 is usual.",
        json_schema_extra={"takes": ListenAddress.TAKES},
    )
    object_listen: ListenAddress = Field(
        default=ListenAddress("0.0.0.0", 7090), description="Where objects are uploaded and downloaded."
    )
    media_workers: int = Field(
        default_factory=_default_workers,
        ge=1,
        le=64,
        description="How many processes serve media. By default one for each processor, at most 8.",
    )
    object_workers: int = Field(
        default=1, ge=1, le=64, description="How many processes carry objects up and down."
    )
    shm_dir: Directory = Field(
        default_factory=_default_shm_dir,
        description="The directory of the stream logs, on a tmpfs. By default one of its own below /dev/shm "
        "for each user and home.",
        json_schema_extra=dict(_PATH),
    )
    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = Field(
        default=None,
        description="The PostgreSQL database. By default an SQLite file in the home directory is used.",
        json_schema_extra={"takes": "postgresql://user:password@host:5432/name"},
    )
    database_pool_size: int = Field(
        default=5, ge=1, le=100, description="How many connections to the database are kept open."
    )
    database_timeout_seconds: float = Field(
        default=3.0,
        gt=0,
        le=60,
        description="How long connecting, waiting for a free connection, or one statement may take before "
        "the database counts as away.",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="Asia/Shanghai",
        description="The time zone of the accounts' hours, days and months in statistics. What is counted "
        "already stays in the days it was counted in.",
        json_schema_extra={"takes": "a name such as Asia/Shanghai or Europe/Berlin"},
    )
    outbound_allow: list[IPv4Network | IPv6Network] = Field(
        default_factory=list,
        description="Networks that outgoing callbacks may reach beyond the public ones.",
        json_schema_extra={"takes": "networks such as 10.1.0.0/16, separated by commas"},
    )
    geoip_city_database: File | None = Field(
        default=None,
        description="A MaxMind database of cities or countries: tells the areas of viewers and publishers. "
        "A changed file counts within seconds. By default nobody's area is known.",
        json_schema_extra={"takes": "the path of a .mmdb file"},
    )
    geoip_asn_database: File | None = Field(
        default=None,
        description="A MaxMind database of operators or autonomous systems. By default nobody's operator is "
        "known.",
        json_schema_extra={"takes": "the path of a .mmdb file"},
    )
    root_access_key: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{8,64}$",
        description="The root account's access key. By default a pair is made at the first start; "
        "`oxbow keys` shows it.",
        json_schema_extra={"takes": "8 to 64 letters, digits, - and _"},
    )
    root_secret_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        max_length=128,
        description="The secret key that belongs to OXBOW_ROOT_ACCESS_KEY.",
        json_schema_extra={"takes": "16 to 128 characters"},
    )
    request_date_skew_seconds: int = Field(
        default=900,
        ge=1,
        description="How far the X-Qiniu-Date of a signed request may be from this machine's clock.",
    )
    api_body_limit: int = Field(
        default=1 << 20, ge=1024, description="The longest request body the API reads, in bytes."
    )
    api_body_seconds: float = Field(
        default=30.0, gt=0, description="How long a client may take to send a request's head, and its body."
    )
    refusal_days: int = Field(
        default=30, ge=1, le=3650, description="Days after which the record of a refusal is deleted."
    )
    refusal_rows: int = Field(
        default=1_000_000,
        ge=1000,
        le=1_000_000_000,
        description="How many records of refusals are kept; beyond, the oldest go first.",
    )
    shutdown_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="How long requests in flight may take to end when the server stops.",
    )
    audit_days: int = Field(
        default=365, ge=1, le=36500, description="Days after which the record of a change is deleted."
    )
    webhook_days: int = Field(
        default=7,
        ge=1,
        le=3650,
        description="Days for which callbacks that were sent can be read and repeated.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe kind of log line that is written."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people, or one JSON object a line."
    )

    @model_validator(mode="after")
    def _root_keys_come_in_pairs(self) -> Self:
        if (self.root_access_key is None) != (self.root_secret_key is None):
            missing = "SECRET" if self.root_secret_key is None else "ACCESS"
            raise ValueError(
                f"OXBOW_ROOT_{missing}_KEY is not set: OXBOW_ROOT_ACCESS_KEY and OXBOW_ROOT_SECRET_KEY "
                "belong together, set both or neither"
            )
        return self

    def create_home(self) -> None:
        """Make the home directory, readable for its owner only; SettingsError if that cannot be done."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError([f"OXBOW_HOME={self.home}: cannot be created: {reason}"]) from error
