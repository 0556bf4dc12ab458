"""Which addresses, ports and URLs an outgoing request may name.

Whoever configures a callback makes this machine send requests. Without a guard they reach what only this
machine can: its own services, the private network, the cloud's metadata (169.254.169.254).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from oxbow.kernel.outbound.errors import ALLOW_SETTING, OutboundRefused

Network = IPv4Network | IPv6Network
MAX_URL = 8192

_NOT_PUBLIC: dict[str, tuple[str, ...]] = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "shared": ("100.64.0.0/10",),
    "link_local": ("169.254.0.0/16", "fe80::/10"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "transition": ("192.88.99.0/24", "2002::/16", "64:ff9b:1::/48"),
    "reserved": ("192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "2001::/23"),
}
"""IANA's special-purpose registries (RFC 6890 and its updates). Teredo lies in 2001::/23; addresses that hide
an IPv4 address of any network (6to4, local NAT64) are refused as a whole."""

_RULES: list[tuple[str, Network]] = [
    (rule, ip_network(text)) for rule, texts in _NOT_PUBLIC.items() for text in texts
]
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")

_BAD_PORTS = """
1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115
117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563
587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667
6668 6669 6679 6697 10080
"""
BAD_PORTS = frozenset(map(int, _BAD_PORTS.split()))
"""Ports of protocols that could take an HTTP request for one of their own, as every browser refuses them
(https://fetch.spec.whatwg.org/#port-blocking). All others are open: callbacks listen anywhere."""


def parse_url(text: str) -> httpx.URL:
    """The URL as it will be requested; OutboundRefused if no request may have it.

    What is checked is what is connected to: nothing reads the text a second time.
    """
    try:
        url = httpx.URL(text) if len(text) <= MAX_URL else None
    except (httpx.InvalidURL, ValueError):
        url = None
    if url is None:
        raise OutboundRefused(
            "url", f"takes http://<host>/<path> or https://..., at most {MAX_URL} characters"
        )
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise OutboundRefused("scheme", "takes an absolute http:// or https:// address")
    if url.userinfo:
        raise OutboundRefused("userinfo", "takes no user name and password: they would stand in logs")
    if url.port is not None and not 0 < url.port < 65536:
        raise OutboundRefused("url", "takes a port from 1 to 65535")
    if url.port in BAD_PORTS:
        raise OutboundRefused("port", f"port {url.port} belongs to another protocol; take any other")
    return url


class AddressGuard:
    """The public addresses, and the networks that the operator has opened."""

    def __init__(self, allow: Sequence[Network] = ()) -> None:
        self._allow = tuple(allow)

    def check(self, host: str, address: str) -> None:
        """OutboundRefused if `address`, which `host` resolved to, may not be reached."""
        seen = ip_address(address)
        inner = _unwrapped(seen)
        if self._allows(seen) or self._allows(inner):
            return
        if rule := _rule(inner):
            text = f"{host} leads to a {rule.replace('_', ' ')} address; add its network to {ALLOW_SETTING}"
            raise OutboundRefused(rule, f"{text} if callbacks may go there", address)

    def _allows(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._allow)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that a connection to `address` ends at, if it is a mapped one or a NAT64's."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _rule(address: IPv4Address | IPv6Address) -> str:
    """The rule that keeps us from `address`; empty for a public one."""
    for rule, network in _RULES:
        if address in network:
            return rule
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return "reserved"
    return ""
