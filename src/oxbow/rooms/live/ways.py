"""The way on which somebody came, which is what traffic and viewers are counted by."""

from __future__ import annotations

from typing import NamedTuple

from oxbow.kernel.geoip import Place
from oxbow.rooms.live.addresses import normal_host
from oxbow.rooms.live.snapshot import ConfigSnapshot


class Way(NamedTuple):
    """What publishers and viewers are told apart by in statistics, besides their stream and protocol."""

    domain: str = ""
    """The bound domain, in lower case; empty for an address without one."""
    area: str = ""
    """One of cn, hk, tw, apac, am, emea; empty where it is not known."""
    isp: str = ""
    """The operator of the client's network; empty where it is not known."""


def way_of(snapshot: ConfigSnapshot, host: str | None, place: Place) -> Way:
    """The way of a client that asked for `host`: the Host header, or the host of tcUrl."""
    name = normal_host(host)
    return Way(name if name is not None and name in snapshot.domains else "", place.area, place.isp)
