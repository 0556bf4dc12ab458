"""What a callback's URL and variables may say, and that no value can break out of its place."""

import pytest

from oxbow.rooms.live.callbacks.variables import NAMES, Facts, fill, fill_all, fill_url, unknown_variable

FACTS = Facts(
    "disconnect",
    "live",
    "one",
    "push.example.com",
    "192.0.2.1:4000",
    1_700_000_060.9,
    query="token=a%26b%3Dc&empty=",
    server_addr="192.0.2.9:1935",
    session="abc",
    started_at=1_700_000_000.5,
    reason="finished",
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("$(event) $(streamKey)", "disconnect live/one"),
        ("$(hub)$(app)$(streamTitle)", "liveliveone"),
        ("$(path)", "/live/one"),
        ("$(clientIp) $(clientAddr) $(serverAddr)", "192.0.2.1 192.0.2.1:4000 192.0.2.9:1935"),
        ("$(timestamp)-$(startAt)-$(duration)", "1700000060-1700000000-60"),
        ("$(reason) $(session) $(domain) $(protocol)", "finished abc push.example.com rtmp"),
        ("$(_token)", "a&b=c"),
        ("[$(_empty)][$(_missing)][$(referer)]", "[][][]"),
        ("$ (hub) $hub", "$ (hub) $hub"),
    ],
)
def test_what_variables_stand_for(template: str, text: str) -> None:
    assert unknown_variable(template) is None
    assert fill(template, FACTS) == text
    assert fill_all({"name": template}, FACTS) == {"name": text}


def test_every_name_has_a_value() -> None:
    for name in NAMES:
        assert isinstance(FACTS.value(name), str)


def test_an_ipv6_client() -> None:
    facts = Facts("play", "live", "one", "", "2001:db8::1:4000", 0.0)
    assert fill("$(clientIp)", facts) == "2001:db8::1"


def test_what_did_not_begin_lasts_for_nothing() -> None:
    facts = Facts("play", "live", "one", "", "192.0.2.1:1", 5.0, path="/live/one.flv")
    assert fill("$(startAt)|$(duration)|$(path)", facts) == "||/live/one.flv"


@pytest.mark.parametrize(
    ("template", "unknown"),
    [
        ("$(no)", "$(no)"),
        ("$()", "$()"),
        ("$(_)", "$(_)"),
        ("$(hub) $(nope)", "$(nope)"),
        ("$(hub", "$("),
        ("$(_a b)", "$(_a b)"),
        ("$(hub)$($(hub))", "$("),
    ],
)
def test_what_is_no_variable(template: str, unknown: str) -> None:
    assert unknown_variable(template) == unknown


def test_in_a_url_no_value_leaves_its_place() -> None:
    assert fill_url("http://a/$(streamKey)?t=$(_token)&x=1", FACTS) == "http://a/live%2Fone?t=a%26b%3Dc&x=1"


def test_a_value_that_looks_like_a_variable_is_a_value() -> None:
    facts = Facts("play", "live", "one", "", "192.0.2.1:1", 0.0, query="x=$(session)", session="secret")
    assert fill("$(_x)", facts) == "$(session)"
