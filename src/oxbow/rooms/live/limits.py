"""Which addresses and which pages may use a domain: its ipLimit and refererLimit.

Pure. Lists are compiled once for each change, before anybody is asked about (`compile`); the questions then
take microseconds, however long the lists are. Fields of ipLimit as in
https://developer.qiniu.com/pili/9896/live-domain-information.
"""

from __future__ import annotations

import re
import socket
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from ipaddress import ip_network
from typing import NamedTuple

import msgspec

MAX_ENTRIES = 1000
"""Of one list."""

_REFERER = re.compile(r"(?:\*\.)?(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")

_PAGE = re.compile(
    r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//(?:[^/?#]*@)?(\[[^]/?#]*\]|[^][/?#:]+)(?::[^/?#]*)?(?:[/?#]|\Z)"
)
"""A page's address up to its path, by RFC 3986 appendix B; the group is its host."""
_MAPPED = bytes(10) + b"\xff\xff"
"""What an IPv4 address in IPv6's form begins with (RFC 4291 section 2.5.5.2)."""


class Address(NamedTuple):
    """A client's address, as a number of its version."""

    version: int
    number: int


class LimitError(ValueError):
    """An entry that cannot be used; the text repeats it and says what it takes."""


class Refusal(msgspec.Struct, frozen=True):
    """Why not: a stable reason, and words for the viewer or publisher."""

    reason: str
    description: str


class NetworkSet:
    """Networks as ranges in their order: a question is one search by halves, however many there are."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._first: dict[int, list[int]] = {4: [], 6: []}
        self._last: dict[int, list[int]] = {4: [], 6: []}
        parsed = [ip_network(text, strict=False) for text in networks]
        ranges = [(net.version, int(net.network_address), int(net.broadcast_address)) for net in parsed]
        for version, first, last in sorted(ranges, key=lambda one: (one[1], -one[2])):
            ends = self._last[version]
            if not ends or ends[-1] < first:  # Two networks are apart, or one is within the other.
                self._first[version].append(first)
                ends.append(last)

    def __contains__(self, address: Address) -> bool:
        version, number = address
        index = bisect_right(self._first[version], number) - 1
        return index >= 0 and number <= self._last[version][index]


class IpLimit(msgspec.Struct, frozen=True, dict=True):
    """Who may publish or play by address; a white list makes the black list void."""

    whitelist: tuple[str, ...] = ()
    blacklist: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Whether anybody is kept out."""
        return bool(self.whitelist or self.blacklist)

    @cached_property
    def _white(self) -> NetworkSet:
        return NetworkSet(self.whitelist)

    @cached_property
    def _black(self) -> NetworkSet:
        return NetworkSet(self.blacklist)

    def compile(self) -> None:
        """Do now what the first question would wait for."""
        _ = self._white, self._black

    def refusal(self, client: str) -> Refusal | None:
        """Whether `client`, an address without a port, is kept out."""
        if not self.active:
            return None
        address = parse_ip(client)
        if address is None:
            return Refusal("ip_not_allowed", "the client has no IP address that could be looked up")
        if self.whitelist:
            allowed = address in self._white
            return (
                None if allowed else Refusal("ip_not_allowed", f"{client} is not on the domain's white list")
            )
        denied = address in self._black
        return Refusal("ip_denied", f"{client} is on the domain's black list") if denied else None


class RefererLimit(msgspec.Struct, frozen=True, dict=True, rename="camel"):
    """Which pages may embed a domain's streams; a denied one stays out even if another entry allows it."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    allow_empty: bool = True
    """Whether a player that names no page gets in."""

    @property
    def active(self) -> bool:
        return bool(self.allow or self.deny or not self.allow_empty)

    @cached_property
    def _allowed(self) -> frozenset[str]:
        return frozenset(self.allow)

    @cached_property
    def _denied(self) -> frozenset[str]:
        return frozenset(self.deny)

    def compile(self) -> None:
        """Do now what the first question would wait for."""
        _ = self._allowed, self._denied

    def refusal(self, referer: str) -> Refusal | None:
        """Whether a player on the page `referer`, a whole address or empty, is kept out."""
        if not self.active:
            return None
        host = referer_host(referer)
        if host is None:
            if self.allow_empty:
                return None
            return Refusal("referer_missing", "the domain asks for the page that the player is on")
        if _listed(host, self._denied):
            return Refusal("referer_denied", f"pages of {host} may not play from this domain")
        if self.allow and not _listed(host, self._allowed):
            return Refusal("referer_not_allowed", f"pages of {host} are not among those that may play")
        return None


def _listed(host: str, patterns: frozenset[str]) -> bool:
    """Whether the host itself or `*.` and one of its parents is among the patterns."""
    if host in patterns:
        return True
    parent = host
    while parent := parent.partition(".")[2]:
        if f"*.{parent}" in patterns:
            return True
    return False


def referer_host(referer: str) -> str | None:
    """The page's host in lower case; None for a text that names none."""
    match = _PAGE.match(referer)
    return match[1].lower().removesuffix(".") or None if match is not None else None


def parse_ip(text: str) -> Address | None:
    """An address without port, brackets or not; an IPv4 address in IPv6's form is the IPv4 address. The
    interface that an IPv6 address came in by is no part of it."""
    bare = text.strip("[]")
    try:
        if ":" not in bare:
            return Address(4, int.from_bytes(socket.inet_pton(socket.AF_INET, bare)))
        packed = socket.inet_pton(socket.AF_INET6, bare.partition("%")[0])
    except (OSError, ValueError):
        return None
    if packed.startswith(_MAPPED):
        return Address(4, int.from_bytes(packed[len(_MAPPED) :]))
    return Address(6, int.from_bytes(packed))


def normal_networks(entries: Iterable[str]) -> tuple[str, ...]:
    """CIDR networks and single addresses in their canonical form; LimitError names the first bad one."""
    return tuple(_normal_network(entry) for entry in entries)


def _normal_network(entry: str) -> str:
    text = entry.strip()
    try:
        if "%" in text:
            raise ValueError("a zone")  # Clients have none: it would let in or keep out more than it says.
        network = ip_network(text[:64])
    except ValueError as error:
        wrong = "has bits set behind its length" if "host bits" in str(error) else "is no address or network"
        raise LimitError(f"{text[:64]!r} {wrong}; takes 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32") from None
    return str(network)


def normal_referers(entries: Iterable[str]) -> tuple[str, ...]:
    """Hosts in lower case, or `*.` and a domain for all below it; LimitError names the first bad one."""
    return tuple(_normal_referer(entry) for entry in entries)


def _normal_referer(entry: str) -> str:
    text = entry.strip().lower()
    if len(text) > 255 or ".." in text or not _REFERER.fullmatch(text):
        raise LimitError(
            f"{text[:64]!r} is no host; takes www.example.com, or *.example.com for all below example.com"
        )
    return text
