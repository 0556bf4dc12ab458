"""What media workers know of the configuration, and the decision they take with it.

A snapshot travels from control to the workers as msgpack after each change; a viewer's join is then decided
inside the worker, in microseconds and without waiting for anything. Only the standard library and msgspec are
imported here, because workers stay light.
"""

from __future__ import annotations

import msgspec

from oxbow.rooms.live.addresses import PlayAddress, RtmpAddress, normal_host
from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.certificates.served import Certificate
from oxbow.rooms.live.limits import IpLimit, RefererLimit
from oxbow.rooms.live.models import FOREVER, DomainType, SecondPublisher, ban_text, is_disabled
from oxbow.rooms.live.play_security import PlaySecurity, SecurityRefused, SignedAddress, verify_play
from oxbow.rooms.live.play_session import MAX_AGE, SessionScope, is_genuine
from oxbow.rooms.live.refusing import Refused
from oxbow.rooms.live.url_rewrite import UrlRewrite

PLAY_DOMAIN_TYPES = {
    "rtmp": DomainType.LIVE_RTMP,
    "flv": DomainType.LIVE_HDL,
    "hls": DomainType.LIVE_HLS,
}
"""The type of domain that serves each play protocol."""


class HubConfig(msgspec.Struct, frozen=True):
    """What a worker needs of a hub."""

    name: str
    grace_seconds: float
    second_publisher: SecondPublisher = SecondPublisher.REFUSE
    hls_plus: bool = False
    bound_domains_only: bool = False
    """Whether only a bound domain leads to its streams."""


class DomainConfig(msgspec.Struct, frozen=True):
    """What a worker needs of a bound domain."""

    hub: str
    type: DomainType
    play_security: PlaySecurity = PlaySecurity()
    ip_limit: IpLimit = IpLimit()
    referer_limit: RefererLimit = RefererLimit()
    url_rewrite: UrlRewrite = UrlRewrite()
    disabled: bool = False
    """Nobody may use the domain, whoever it is bound to."""
    area_limit: AreaLimit = AreaLimit()
    asks_origin: bool = False
    """Whether control has to ask an operator's server about each viewer."""

    @property
    def asks_for_proof(self) -> bool:
        """Whether a session stands for something that the viewer had to show when it came."""
        return self.play_security.active or self.referer_limit.active or self.asks_origin

    def compile(self) -> None:
        """Do now what the first viewer or publisher would wait for."""
        self.ip_limit.compile()
        self.referer_limit.compile()
        self.url_rewrite.compile()
        _ = self.play_security.keys, self.play_security.templates


class ConfigSnapshot(msgspec.Struct, frozen=True):
    """The configuration at one version."""

    version: int = 0
    hubs: dict[str, HubConfig] = {}
    domains: dict[str, DomainConfig] = {}
    """By domain name in lower case."""
    banned: dict[str, int] = {}
    """`<hub>/<stream>` to the moment at which the ban ends, or -1."""
    ban_reasons: dict[str, str] = {}
    """`<hub>/<stream>` to why it is banned, where somebody said so."""
    session_key: str = ""
    """What HLS sessions are signed with, by all servers on one database; secret."""
    session_seconds: int = MAX_AGE
    """How long one counts."""
    certificates: dict[str, Certificate] = {}
    """By domain name in lower case, for the domains that have one."""
    challenges: dict[str, str] = {}
    """What a certificate authority asks for below /.well-known/acme-challenge/: token to key authorisation
    (RFC 8555 section 8.3)."""

    def is_banned(self, hub: str, stream: str, now: float) -> bool:
        """Whether the stream may be neither published nor watched at `now` (Unix seconds)."""
        till = self.banned.get(f"{hub}/{stream}")
        return till is not None and is_disabled(till, now)

    def ban_text(self, hub: str, stream: str) -> str:
        """What is told to whoever wants to publish or watch a banned stream."""
        key = f"{hub}/{stream}"
        return ban_text(self.banned.get(key, FOREVER), self.ban_reasons.get(key, ""))


class Visitor(msgspec.Struct, frozen=True):
    """Who wants to watch."""

    ip: str = ""
    """Without the port."""
    referer: str = ""
    """The page that the player is on: the Referer header, or RTMP's pageUrl."""
    session: str | None = None
    """From an HLS playlist that we handed out."""
    life: str = ""
    """The broadcast that the session must have been issued for."""
    area: str = ""
    """Where the address is, one of oxbow.kernel.geoip.AREAS; empty where that isn't known."""


class PlayGrant(msgspec.Struct, frozen=True):
    """The permission to watch."""

    hub: str
    stream: str
    domain: str | None
    """The bound domain that was used, in lower case; None for an address without one."""
    sealed: bool = False
    """Whether an HLS playlist must hand out a session that proves this permission."""
    asks_origin: bool = False
    """Whether this counts only once control has asked an operator's server."""


class PlayRefused(Refused):
    """A viewer may not watch; `reason` is stable, the description is shown to the visitor."""

    def __init__(
        self, reason: str, http_status: int, description: str, *, found: str = "", wanted: str = ""
    ) -> None:
        super().__init__(reason, description, found=found, wanted=wanted)
        self.http_status = http_status


def compiled(new: ConfigSnapshot, old: ConfigSnapshot) -> ConfigSnapshot:
    """`new`, with everything in it compiled: a join finds no work left. Domains that did not change are those
    of `old`, which costs a comparison instead of a compilation."""
    domains = {
        name: before if (before := old.domains.get(name)) == domain and before is not None else domain
        for name, domain in new.domains.items()
    }
    for domain in domains.values():
        domain.compile()
    return msgspec.structs.replace(new, domains=domains)


def encode_snapshot(snapshot: ConfigSnapshot) -> bytes:
    return msgspec.msgpack.encode(snapshot)


def decode_snapshot(data: bytes) -> ConfigSnapshot:
    """The inverse of `encode_snapshot`; msgspec.ValidationError or DecodeError for anything else."""
    return msgspec.msgpack.decode(data, type=ConfigSnapshot)


def check_domain(
    snapshot: ConfigSnapshot, host: str | None, hub: str, wanted: DomainType
) -> tuple[str, str] | None:
    """Why `host` may not be used for `hub` in the way `wanted`: (reason, description), or None if it may.

    A bound domain serves its own hub in its own way. The server's address, localhost and every host that
    nobody has bound work by path alone, unless the hub wants its bound domains only.
    """
    bound = snapshot.domains.get(host) if host else None
    if bound is None:
        config = snapshot.hubs.get(hub)
        if config is not None and config.bound_domains_only:
            return "domain_required", f"the hub {hub} is reached by its bound domains only"
        return None
    if bound.disabled:
        return "domain_disabled", f"the domain {host} is disabled"
    if bound.hub != hub:
        return "domain_not_bound", f"the domain {host} is not bound to the hub {hub}"
    if bound.type != wanted:
        return "domain_wrong_type", f"the domain {host} is of type {bound.type}, this needs {wanted}"
    return None


def decide_play(
    snapshot: ConfigSnapshot,
    address: PlayAddress | RtmpAddress,
    host: str | None,
    protocol: str,
    now: float,
    visitor: Visitor = Visitor(),  # noqa: B008 - it is frozen.
) -> PlayGrant:
    """Whether a viewer may watch; called in the workers for each join.

    `host` is the Host header or the host of tcUrl, `protocol` one of PLAY_DOMAIN_TYPES, `now` Unix seconds.
    That the stream is live is no question here: a viewer may wait for it. Raises PlayRefused.
    """
    hub, stream = address.hub, address.stream
    if hub not in snapshot.hubs:
        raise PlayRefused("hub_not_found", 404, "hub not found", found=hub)
    name = normal_host(host)
    refusal = check_domain(snapshot, name, hub, PLAY_DOMAIN_TYPES[protocol])
    if refusal is not None:
        raise PlayRefused(refusal[0], 403, refusal[1], found=name or "")
    if snapshot.is_banned(hub, stream, now):
        till = str(snapshot.banned[f"{hub}/{stream}"])
        text = snapshot.ban_text(hub, stream)
        raise PlayRefused("stream_disabled", 403, text, found=f"disabledTill {till}")
    domain = snapshot.domains.get(name) if name else None
    if name is None or domain is None:
        return PlayGrant(hub, stream, None)
    _check_limits(snapshot, name, domain, address, visitor, now)
    asks_origin = domain.asks_origin and visitor.session is None
    return PlayGrant(hub, stream, name, domain.asks_for_proof, asks_origin)


def _check_limits(
    snapshot: ConfigSnapshot,
    name: str,
    domain: DomainConfig,
    address: PlayAddress | RtmpAddress,
    visitor: Visitor,
    now: float,
) -> None:
    """The client's address and area always count; a session stands for the page and the signature it came in
    with."""
    if refusal := domain.ip_limit.refusal(visitor.ip):
        raise PlayRefused(refusal.reason, 403, refusal.description, found=visitor.ip)
    if refusal := domain.area_limit.refusal(visitor.area):
        raise PlayRefused(refusal.reason, 403, refusal.description, found=visitor.area)
    if not domain.asks_for_proof:
        return
    if visitor.session is not None:
        scope = SessionScope(name, address.hub, address.stream, visitor.life)
        if not is_genuine(visitor.session, scope, now, snapshot.session_key, snapshot.session_seconds):
            text = "the session is not of this broadcast, or too old; open the stream's address again"
            raise PlayRefused("session_invalid", 403, text)
        return
    if isinstance(address, PlayAddress) and address.extension == "ts":
        raise PlayRefused("session_missing", 403, "a segment is for who has asked for the playlist")
    if refusal := domain.referer_limit.refusal(visitor.referer):
        raise PlayRefused(refusal.reason, 403, refusal.description, found=visitor.referer)
    if domain.play_security.active:
        _check_signature(domain.play_security, address, now)


def _check_signature(security: PlaySecurity, address: PlayAddress | RtmpAddress, now: float) -> None:
    key = f"{address.hub}/{address.stream}"
    path = f"/{key}.{address.extension}" if isinstance(address, PlayAddress) else f"/{key}"
    try:
        verify_play(security, SignedAddress(path, key, address.query), now)
    except SecurityRefused as refused:
        raise PlayRefused(refused.reason, 403, refused.description) from None
