"""Where a domain may be watched from."""

import pytest

from oxbow.rooms.live.addresses import PlayAddress
from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.snapshot import (
    ConfigSnapshot,
    DomainConfig,
    HubConfig,
    PlayRefused,
    Visitor,
    decide_play,
)


@pytest.mark.parametrize(
    ("limit", "area", "reason"),
    [
        (AreaLimit(), "", None),
        (AreaLimit(), "cn", None),
        (AreaLimit(allow=("cn", "hk")), "hk", None),
        (AreaLimit(allow=("cn",)), "am", "area_not_allowed"),
        (AreaLimit(allow=("cn",)), "", "area_unknown"),
        (AreaLimit(allow=("cn",), allow_unknown=True), "", None),
        (AreaLimit(allow=("cn",), allow_unknown=True), "am", "area_not_allowed"),
        (AreaLimit(deny=("am",)), "am", "area_denied"),
        (AreaLimit(deny=("am",)), "", None),
        (AreaLimit(deny=("am",)), "cn", None),
        (AreaLimit(allow=("cn",), deny=("cn",)), "cn", "area_denied"),
    ],
)
def test_who_is_kept_out(limit: AreaLimit, area: str, reason: str | None) -> None:
    refusal = limit.refusal(area)
    assert (refusal.reason if refusal is not None else None) == reason


def test_it_counts_for_the_bound_domain_only() -> None:
    domain = DomainConfig("hub", DomainType.LIVE_HDL, area_limit=AreaLimit(allow=("cn",)))
    config = ConfigSnapshot(hubs={"hub": HubConfig("hub", 0)}, domains={"flv.example.com": domain})
    address, abroad = PlayAddress("hub", "stream", "flv", ""), Visitor("192.0.2.1", area="emea")
    with pytest.raises(PlayRefused) as refused:
        decide_play(config, address, "flv.example.com", "flv", 0, abroad)
    assert (refused.value.reason, refused.value.rule, refused.value.http_status) == (
        "area_not_allowed",
        "areaLimit",
        403,
    )
    assert decide_play(config, address, "flv.example.com", "flv", 0, Visitor(area="cn")).domain
    assert decide_play(config, address, "127.0.0.1", "flv", 0, abroad).domain is None
