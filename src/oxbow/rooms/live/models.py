"""What the live room is about: hubs, their domains, their streams, and the broadcasts that took place.

Plain frozen data and the rules for names, without I/O. Times are Unix seconds.
Field meanings follow the API pages below https://developer.qiniu.com/pili.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.callbacks.settings import (
    ConnectCallback,
    DisconnectCallback,
    DisconnectDelay,
    OriginAuth,
)
from oxbow.rooms.live.limits import IpLimit, RefererLimit
from oxbow.rooms.live.play_security import PlaySecurity
from oxbow.rooms.live.url_rewrite import UrlRewrite

HUB_NAME_RULE = "1 to 63 letters, digits, '-' and '_', beginning with a letter or a digit"
STREAM_NAME_RULE = "4 to 200 letters, digits, '-' and '_'"
DOMAIN_RULE = "a host name with a dot in it, at most 253 characters, without scheme and port"

HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
STREAM_NAME = re.compile(r"[A-Za-z0-9_-]{4,200}")
_STREAM_NAME_PREFIX = re.compile(r"[A-Za-z0-9_-]{0,200}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")

FOREVER = -1
"""`disabled_till` of a stream that stays disabled until somebody enables it."""


class DomainType(StrEnum):
    """What a bound domain serves."""

    PUBLISH_RTMP = "publishRtmp"
    LIVE_RTMP = "liveRtmp"
    LIVE_HLS = "liveHls"
    LIVE_HDL = "liveHdl"


class PublishSecurity(StrEnum):
    """How a publisher proves that it may publish.

    See https://developer.qiniu.com/pili/api/6678/push-the-current-authentication.
    """

    INHERIT = ""
    """A stream's own setting only: the hub decides."""
    NONE = "none"
    STATIC = "static"
    EXPIRY = "expiry"
    EXPIRY_SK = "expiry_sk"
    DYNAMIC = "dynamic"

    @property
    def needs_key(self) -> bool:
        """Whether the publish key takes part in the proof."""
        return self in (PublishSecurity.STATIC, PublishSecurity.EXPIRY, PublishSecurity.DYNAMIC)


class SecondPublisher(StrEnum):
    """What happens to a publisher of a stream that is already live."""

    REFUSE = "refuse"
    TAKEOVER = "takeover"


@dataclass(frozen=True)
class Hub:
    """A live space: the first part of every address, and what its streams have in common."""

    name: str
    account: int
    """The account that owns it."""
    created_at: int
    updated_at: int
    publish_security: PublishSecurity = PublishSecurity.NONE
    publish_key: str = ""
    auto_create: bool = True
    """Whether the first publish of an unknown stream creates it."""
    second_publisher: SecondPublisher = SecondPublisher.REFUSE
    grace_seconds: float | None = None
    """How long viewers wait for a publisher that went away; None takes the room's setting."""
    hls_plus: bool = False
    storage_bucket: str = ""
    live_data_expire_days: int = 0
    snapshot_interval: int = FOREVER
    """Seconds between cover pictures; -1 takes none."""
    vod_domain: str = ""
    play_security: PlaySecurity = field(default_factory=PlaySecurity)
    """What counts for domains that have none of their own."""
    bound_domains_only: bool = False
    """Whether the server's own address, and hosts that nobody has bound, lead nowhere."""


@dataclass(frozen=True)
class Domain:
    """A host name that serves one hub in one way."""

    name: str
    hub: str
    type: DomainType
    created_at: int
    play_security: PlaySecurity = field(default_factory=PlaySecurity)
    ip_limit: IpLimit = field(default_factory=IpLimit)
    referer_limit: RefererLimit = field(default_factory=RefererLimit)
    url_rewrite: UrlRewrite = field(default_factory=UrlRewrite)
    cert_name: str = ""
    """The id of the certificate that it shows on TLS ports; empty for none."""
    disabled: bool = False
    """Whether nobody may publish or watch by it for now."""
    area_limit: AreaLimit = field(default_factory=AreaLimit)
    connect_callback: ConnectCallback = field(default_factory=ConnectCallback)
    disconnect_callback: DisconnectCallback = field(default_factory=DisconnectCallback)
    disconnect_delay: DisconnectDelay = field(default_factory=DisconnectDelay)
    origin_auth: OriginAuth = field(default_factory=OriginAuth)


@dataclass(frozen=True)
class Stream:
    """One stream of a hub, live or not."""

    hub: str
    key: str
    created_at: int
    updated_at: int
    published_at: int = 0
    """When it was last published; 0 for never."""
    disabled_till: int = 0
    """0: enabled; FOREVER; otherwise the moment at which publishing is allowed again."""
    disabled_reason: str = ""
    """What is told to whoever tries meanwhile."""
    publish_security: PublishSecurity = PublishSecurity.INHERIT
    publish_key: str = ""
    last_nonce: int = -1
    """The nonce of the last granted `dynamic` publish; the next one must be greater."""

    def disabled_at(self, now: float) -> bool:
        """Whether nobody may publish at `now`."""
        return is_disabled(self.disabled_till, now)

    def expire_at(self, days: int) -> int:
        """When the stream is cleared away if nobody publishes it for `days`."""
        return max(self.created_at, self.published_at) + days * 86400


@dataclass(frozen=True)
class Activity:
    """One broadcast: from a publisher's first frame to its last."""

    id: str
    hub: str
    stream: str
    node: str
    """The server that carried it: at its next start it closes what it left open."""
    started_at: int
    seen_at: int
    ended_at: int | None
    """None while it is on."""
    client_addr: str
    server_addr: str
    publisher: str = ""
    """While it is on, everything that is known of its publisher, as JSON (see callbacks/notices.py): somebody
    must be told of its end, even by another run of the server."""


def is_disabled(disabled_till: int, now: float) -> bool:
    """Whether `disabled_till`, as stored, forbids publishing at `now`."""
    return disabled_till == FOREVER or disabled_till > now


def ban_text(till: int, reason: str) -> str:
    """What is told to whoever wants to publish or watch a disabled stream."""
    until = "" if till == FOREVER else f" until {datetime.fromtimestamp(till, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"the stream is disabled{until}" + (f": {reason}" if reason else "")


def is_hub_name(name: str) -> bool:
    return HUB_NAME.fullmatch(name) is not None


def is_stream_name(name: str) -> bool:
    return STREAM_NAME.fullmatch(name) is not None


def is_stream_name_prefix(text: str) -> bool:
    """Whether a stream's name could begin so; what is none would match nothing."""
    return _STREAM_NAME_PREFIX.fullmatch(text) is not None


def normal_domain(text: str) -> str | None:
    """The domain in lower case without the root's dot, or None for an address or anything else."""
    name = text.lower().removesuffix(".")
    return name if _DOMAIN.fullmatch(name) else None
