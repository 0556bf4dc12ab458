"""Whether a record will do."""

import pytest

from oxbow.rooms.live.cname.models import Found, expected_cname, judge
from oxbow.rooms.live.models import DomainType

NAME, EXPECTED = "flv.example.com", "flv.example.com.live-hdl.oxbow.internal"
OWN = ("192.0.2.7", "2001:db8::7")


def test_the_expected_name_says_what_the_domain_is_for():
    assert expected_cname(NAME, DomainType.LIVE_HDL, "oxbow.internal") == EXPECTED
    assert expected_cname(NAME, DomainType.PUBLISH_RTMP, "a.b") == f"{NAME}.publish.a.b"


@pytest.mark.parametrize(
    "found",
    [
        Found((EXPECTED,)),
        Found((EXPECTED,), (), f"{EXPECTED} does not exist"),
        Found(("cdn.example.net", EXPECTED, "further.example.net")),
        Found((), ("192.0.2.7",)),
        Found((), OWN),
    ],
)
def test_what_leads_here_is_right(found: Found):
    assert judge(NAME, EXPECTED, found, OWN) == ""


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Found(), "found none"),
        (Found(("old.example.net",), ("192.0.2.99",)), "found old.example.net"),
        (Found((), ("192.0.2.7", "192.0.2.99")), "found addresses 192.0.2.7, 192.0.2.99"),
        (Found((), (), f"{NAME} does not exist"), f"{NAME} does not exist"),
    ],
)
def test_what_does_not_is_told_with_what_was_expected(found: Found, text: str):
    assert judge(NAME, EXPECTED, found, OWN) == f"CNAME of {NAME} to be {EXPECTED}, {text}"
