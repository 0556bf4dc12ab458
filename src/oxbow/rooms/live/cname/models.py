"""What a domain's DNS record should say, what it said, and whether that will do. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from oxbow.rooms.live.models import DomainType

_PARTS = {
    DomainType.PUBLISH_RTMP: "publish",
    DomainType.LIVE_RTMP: "live-rtmp",
    DomainType.LIVE_HLS: "live-hls",
    DomainType.LIVE_HDL: "live-hdl",
}


@dataclass(frozen=True)
class Found:
    """What DNS said of a name."""

    chain: tuple[str, ...] = ()
    """The CNAMEs that lead on from it, in their order, in lower case without the root's dot."""
    addresses: tuple[str, ...] = ()
    """The A and AAAA records at the end of the chain."""
    problem: str = ""
    """Why nothing was found, or not everything; empty if DNS answered every question."""


@dataclass(frozen=True)
class CnameCheck:
    """One look at a domain's record."""

    domain: str
    expected: str
    found: Found
    verdict: str
    """Empty if the record is right; else what is wrong with it, for people."""
    resolver: str
    """Who was asked: an address, or `system`."""
    checked_at: int
    """Unix seconds."""

    @property
    def right(self) -> bool:
        """Whether the domain leads here."""
        return not self.verdict


def expected_cname(name: str, type_: DomainType, suffix: str) -> str:
    """The name that a domain's record should lead to."""
    return f"{name}.{_PARTS[type_]}.{suffix}"


def judge(name: str, expected: str, found: Found, own_addresses: Collection[str]) -> str:
    """What is wrong with a record; empty if it leads to `expected`, or to nothing but our own addresses."""
    if expected in found.chain:
        return ""
    if found.addresses and set(found.addresses) <= set(own_addresses):
        return ""
    if found.chain:
        return f"CNAME of {name} to be {expected}, found {found.chain[-1]}"
    if found.problem:
        return f"CNAME of {name} to be {expected}, {found.problem}"
    seen = f"found addresses {', '.join(found.addresses[:4])}" if found.addresses else "found none"
    return f"CNAME of {name} to be {expected}, {seen}"
