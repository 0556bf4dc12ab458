"""What media workers know of the configuration, and the decision they take with it.

A snapshot travels from control to the workers as msgpack after each change; a viewer's join is then decided
inside the worker, in microseconds and without waiting for anything. Only the standard library and msgspec are
imported here, because workers stay light.
"""

from __future__ import annotations

import msgspec

from oxbow.rooms.live.addresses import PlayAddress, RtmpAddress, normal_host
from oxbow.rooms.live.models import DomainType, SecondPublisher, is_disabled

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


class DomainConfig(msgspec.Struct, frozen=True):
    """What a worker needs of a bound domain."""

    hub: str
    type: DomainType


class ConfigSnapshot(msgspec.Struct, frozen=True):
    """The configuration at one version."""

    version: int = 0
    hubs: dict[str, HubConfig] = {}
    domains: dict[str, DomainConfig] = {}
    """By domain name in lower case."""
    banned: dict[str, int] = {}
    """`<hub>/<stream>` to the moment at which the ban ends, or -1."""

    def is_banned(self, hub: str, stream: str, now: float) -> bool:
        """Whether the stream may be neither published nor watched at `now` (Unix seconds)."""
        till = self.banned.get(f"{hub}/{stream}")
        return till is not None and is_disabled(till, now)


class PlayGrant(msgspec.Struct, frozen=True):
    """The permission to watch."""

    hub: str
    stream: str
    domain: str | None
    """The bound domain that was used, in lower case; None for an address without one."""


class PlayRefused(Exception):  # noqa: N818 - a decision, not a failure.
    """A viewer may not watch; `reason` is stable, the description is shown to the viewer."""

    def __init__(self, reason: str, http_status: int, description: str) -> None:
        super().__init__(description)
        self.reason = reason
        self.http_status = http_status
        self.description = description


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
    nobody has bound work by path alone.
    """
    bound = snapshot.domains.get(host) if host else None
    if bound is None:
        return None
    if bound.hub != hub:
        return "domain_not_bound", f"the domain {host} is not bound to the hub {hub}"
    if bound.type != wanted:
        return "domain_wrong_type", f"the domain {host} is of type {bound.type}, this needs {wanted}"
    return None


def decide_play(
    snapshot: ConfigSnapshot, address: PlayAddress | RtmpAddress, host: str | None, protocol: str, now: float
) -> PlayGrant:
    """Whether a viewer may watch; called in the workers for each join.

    `host` is the Host header or the host of tcUrl, `protocol` one of PLAY_DOMAIN_TYPES, `now` Unix seconds.
    That the stream is live is no question here: a viewer may wait for it. Raises PlayRefused.
    """
    hub, stream = address.hub, address.stream
    if hub not in snapshot.hubs:
        raise PlayRefused("hub_not_found", 404, "hub not found")
    domain = normal_host(host)
    refusal = check_domain(snapshot, domain, hub, PLAY_DOMAIN_TYPES[protocol])
    if refusal is not None:
        raise PlayRefused(refusal[0], 403, refusal[1])
    if snapshot.is_banned(hub, stream, now):
        raise PlayRefused("stream_disabled", 403, "the stream is disabled")
    return PlayGrant(hub, stream, domain if domain in snapshot.domains else None)
