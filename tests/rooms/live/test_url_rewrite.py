"""Rewrite rules: which one counts, what it makes of an address, and what cannot be a rule."""

import time

import pytest

from oxbow.rooms.live.play_security import RuleError
from oxbow.rooms.live.refusing import MAX_ADDRESS, AddressError
from oxbow.rooms.live.url_rewrite import MAX_RULES, RewriteRule, UrlRewrite, check_rewrite, split_url


def rewrite(*rules: tuple[str, str]) -> UrlRewrite:
    return UrlRewrite(tuple(RewriteRule(pattern, replace) for pattern, replace in rules))


def test_the_documented_rules() -> None:
    both = rewrite(
        ("(.+)/live/(.+)/playlist.m3u8", "${1}/hub/${2}.m3u8"), ("(.+)/test/(.+)", "${1}/test/live/${2}")
    )
    assert (
        both.rewrite("http://pull.test.com/live/room/playlist.m3u8") == "http://pull.test.com/hub/room.m3u8"
    )
    assert both.rewrite("rtmp://pull.test.com/test/room") == "rtmp://pull.test.com/test/live/room"
    assert both.rewrite("http://pull.test.com/hub/room.flv") is None


def test_the_first_rule_that_matches_counts_and_no_other() -> None:
    rules = rewrite(("/a/", "/b/"), ("/b/", "/c/"), ("/a/", "/d/"))
    assert rules.rewrite("http://x/a/room.flv") == "http://x/b/room.flv"
    assert rules.rewrite("http://x/b/room.flv") == "http://x/c/room.flv"


def test_what_the_pattern_does_not_match_stays() -> None:
    rule = rewrite(("/live/([a-z]+)/index.m3u8", "/hub/${1}.m3u8"))
    assert rule.rewrite("http://x:8080/live/room/index.m3u8?sign=1&t=2") == (
        "http://x:8080/hub/room.m3u8?sign=1&t=2"
    )


def test_references_to_what_did_not_match_to_everything_and_twice() -> None:
    rule = rewrite(("/(a)?(b)", "/${1}-${2}${2}-${0}-$1"))
    assert rule.rewrite("rtmp://x/b") == "rtmp://x/-bb-/b-$1"


def test_an_address_that_grows_too_long_is_refused() -> None:
    rule = rewrite(("(.+)", "${1}" * 100))
    assert len(rule.rewrite("http://x/a") or "") == 1000
    with pytest.raises(AddressError) as caught:
        rule.rewrite("http://x/" + "a" * 100)
    assert caught.value.reason == "rewrite_too_long"
    with pytest.raises(AddressError) as caught:
        rule.rewrite("http://x/" + "a" * MAX_ADDRESS)
    assert caught.value.reason == "address_too_long"


BOMBS = ["(a+)+$", "(.*)*b", "((a?){99}){9}", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]


@pytest.mark.parametrize("pattern", BOMBS)
def test_no_pattern_is_a_bomb(pattern: str) -> None:
    rule = rewrite((pattern, "x"))
    began = time.process_time()
    for letter in "ax":
        rule.rewrite("http://x/" + letter * (MAX_ADDRESS - 100))
    assert time.process_time() - began < 5, "a backtracking engine takes longer than the universe has"


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([("(", "x")], "rules[0].pattern"),
        ([("ok", "x"), ("(?=a)", "x")], "rules[1].pattern"),
        ([(r"(a)\1", "x")], "rules[0].pattern"),
        ([("", "x")], "rules[0].pattern"),
        ([("a" * 513, "x")], "rules[0].pattern"),
        ([("a b", "x")], "rules[0].pattern"),
        ([("直播", "x")], "rules[0].pattern"),
        ([(r"((a{100}){100}){100}", "x")], "rules[0].pattern"),
        ([(r"(\pL{900}){9}", "x")], "rules[0].pattern"),
        ([("a", "")], "rules[0].replace"),
        ([("a", "x" * 513)], "rules[0].replace"),
        ([("(a)", "${2}")], "rules[0].replace"),
        ([("(a)", "${name}")], "rules[0].replace"),
        ([("(a)", "${1")], "rules[0].replace"),
        ([("a", "x\x00")], "rules[0].replace"),
        ([("a", "x")] * (MAX_RULES + 1), "rules"),
    ],
)
def test_what_cannot_work_names_its_field(rules: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(RuleError) as caught:
        check_rewrite(rewrite(*rules))
    assert caught.value.field == field


def test_what_can_work() -> None:
    check_rewrite(UrlRewrite())
    check_rewrite(rewrite(*[("(a)(b)", "${0}${1}${2}$3")] * MAX_RULES))


def test_a_rewritten_address_is_split() -> None:
    assert split_url("http://x/hub/room.flv?a=b?c") == ("/hub/room.flv", "a=b?c")
    assert split_url("rtmp://x/hub/room") == ("/hub/room", "")
    for nonsense in ("", "hub/room", "http://x", "/hub/room", "://"):
        with pytest.raises(AddressError):
            split_url(nonsense)
