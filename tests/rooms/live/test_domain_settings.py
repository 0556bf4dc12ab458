"""The rules of a domain's settings."""

import pytest

from oxbow.rooms.live.domain_settings import RULES, normal_setting
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.limits import IpLimit, RefererLimit
from oxbow.rooms.live.models import Domain, DomainType
from oxbow.rooms.live.play_security import PlaySecurity, PlaySecurityType

PLAYS = Domain("flv.example.com", "live", DomainType.LIVE_HDL, 1)
PUBLISHES = Domain("push.example.com", "live", DomainType.PUBLISH_RTMP, 1)


def test_a_setting_knows_its_field_and_takes_its_normal_form():
    limit = IpLimit(whitelist=("2001:DB8::/32",))
    assert normal_setting(PLAYS, limit) == {"ip_limit": IpLimit(whitelist=("2001:db8::/32",))}


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        (IpLimit(whitelist=("nonsense",)), "whitelist"),
        (IpLimit(blacklist=("192.0.2.0/40",)), "blacklist"),
        (RefererLimit(allow=("http://",)), "allow"),
        (RefererLimit(deny=("*",)), "deny"),
        (PlaySecurity(PlaySecurityType.EXPIRE), "key1"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field(setting: IpLimit | RefererLimit, field: str):
    with pytest.raises(BadArgument) as refused:
        normal_setting(PLAYS, setting)
    assert refused.value.field == field


def test_a_domain_for_publishing_takes_no_setting_about_watching():
    with pytest.raises(BadArgument, match="for publishing"):
        normal_setting(PUBLISHES, RefererLimit(allow=("example.com",)))
    assert normal_setting(PUBLISHES, RefererLimit()) == {"referer_limit": RefererLimit()}


def test_every_setting_has_a_field_of_the_domain():
    assert {rule.field for rule in RULES.values()} <= set(Domain.__dataclass_fields__)
