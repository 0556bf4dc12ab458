"""Signed play addresses: the page's worked examples, every base, both keys and rules, and every refusal."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.rooms.live.play_security import (
    MAX_TIMESTAMP_DIGITS,
    PlaySecurity,
    PlaySecurityType,
    RuleError,
    SecurityRefused,
    SignedAddress,
    check_play_security,
    format_timestamp,
    parse_timestamp,
    query_fields,
    verify_play,
)

EXPIRES = 1_635_163_200
"""2021/10/25 20:00:00, the page's example."""
KEY = "test"
UNTIL = PlaySecurity(PlaySecurityType.EXPIRE, key1=KEY)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def verify(
    security: PlaySecurity, query: str, now: float = EXPIRES - 1, path: str = "/hub/stream.flv"
) -> None:
    verify_play(security, SignedAddress(path, "hub/stream", query), now)


def refusal(security: PlaySecurity, query: str, now: float = EXPIRES - 1) -> str:
    with pytest.raises(SecurityRefused) as caught:
        verify(security, query, now)
    assert KEY not in caught.value.description.split()
    return caught.value.reason


def signed(stamp: str = "61769c40", key: str = KEY) -> str:
    return f"sign={md5(f'{key}/hub/stream.flv{stamp}')}&t={stamp}"


@pytest.mark.parametrize(
    ("path", "sign"),
    [
        ("/testHub/testStream.m3u8", "86ccb64b114f599e14eb660de7a813a5"),
        ("/testHub/testStream", "279d57cfdd4ad03fdace3072d0065ef5"),
        # The page on HDL signs without the path's leading slash; by the rule it is this.
        ("/testHub/testStream.flv", "cd36f66e03e537fa2299442d16abba30"),
    ],
)
def test_the_pages_examples(path: str, sign: str):
    address = SignedAddress(path, "testHub/testStream", f"sign={sign}&t=61769c40")
    verify_play(UNTIL, address, EXPIRES)


def test_the_example_without_the_leading_slash_is_none():
    address = SignedAddress(
        "/testHub/testStream.flv", "testHub/testStream", "sign=65667901baf24fbb6fae8dec6acd86b0&t=61769c40"
    )
    with pytest.raises(SecurityRefused, match="right key"):
        verify_play(UNTIL, address, EXPIRES)


def test_what_does_not_prove_anything():
    assert refusal(UNTIL, "") == "sign_missing"
    assert refusal(UNTIL, "t=61769c40") == "sign_missing"
    assert refusal(UNTIL, "sign=aa&t=") == "sign_missing"
    assert refusal(UNTIL, "sign=aa&t=61769c4g") == "sign_malformed"
    assert refusal(UNTIL, signed(key="other")) == "sign_mismatch"
    assert refusal(UNTIL, signed().replace("t=61769c40", "t=71769c40")) == "sign_mismatch"
    assert refusal(UNTIL, "sign=é&t=61769c40") == "sign_mismatch"


def test_who_has_no_right_signature_does_not_learn_that_the_time_has_passed():
    assert refusal(UNTIL, signed(key="other"), now=EXPIRES + 9) == "sign_mismatch"


def test_it_ends_after_its_last_second_and_the_gap():
    verify(UNTIL, signed(), now=EXPIRES)
    assert refusal(UNTIL, signed(), now=EXPIRES + 1) == "address_expired"
    patient = PlaySecurity(PlaySecurityType.EXPIRE, key1=KEY, gap_duration=5)
    verify(patient, signed(), now=EXPIRES + 5)
    assert refusal(patient, signed(), now=EXPIRES + 6) == "address_expired"


def test_from_its_start_for_the_range():
    window = PlaySecurity(PlaySecurityType.START, key1=KEY, range=60, gap_duration=1000)
    assert refusal(window, signed(), now=EXPIRES - 1) == "address_not_yet_valid"
    verify(window, signed(), now=EXPIRES)
    verify(window, signed(), now=EXPIRES + 60)
    assert refusal(window, signed(), now=EXPIRES + 61) == "address_expired"


@pytest.mark.parametrize("key", ["old", "new"])
@pytest.mark.parametrize("rule", ["$(key)$(path)$(_t)", "$(_t)-$(streamTitle)-$(key)"])
def test_both_keys_and_both_rules_count(key: str, rule: str):
    security = PlaySecurity(
        PlaySecurityType.EXPIRE, key1="old", key2="new", rule2="$(_t)-$(streamTitle)-$(key)"
    )
    text = rule.replace("$(key)", key).replace("$(path)", "/hub/stream.flv")
    text = text.replace("$(_t)", "61769c40").replace("$(streamTitle)", "stream")
    verify(security, f"t=61769c40&sign={md5(text)}")


def test_every_magic_variable():
    rule = "<$(key)|$(path)|$(streamKey)|$(streamTitle)|$(_user)|$(_none)|$(_t)>"
    security = PlaySecurity(PlaySecurityType.EXPIRE, key1="k", rule=rule)
    query = "user=a%20b&t=61769C40&user=other"
    expected = md5("<k|/hub/stream.flv|hub/stream|stream|a%20b||61769C40>")
    verify(security, f"{query}&sign={expected}")
    verify(security, f"{query}&sign={expected.upper()}")


def test_own_names_of_the_fields_take_part_in_the_default_rule():
    security = PlaySecurity(
        PlaySecurityType.EXPIRE, key1="k", ts_part="wsTime", sign_part="wsSecret", ts_base=10
    )
    verify(security, f"wsTime={EXPIRES}&wsSecret={md5(f'k/hub/stream.flv{EXPIRES}')}")


@pytest.mark.parametrize("base", range(2, 37))
def test_every_base(base: int):
    stamp = format_timestamp(EXPIRES, base)
    verify(PlaySecurity(PlaySecurityType.EXPIRE, key1=KEY, ts_base=base), signed(stamp), EXPIRES)


@given(st.integers(0, 2**63 - 1), st.integers(2, 36))
def test_timestamps_survive_the_round_trip(moment: int, base: int):
    text = format_timestamp(moment, base)
    assert int(text, base) == moment
    assert parse_timestamp(text, base) == parse_timestamp(text.upper(), base) == moment


@pytest.mark.parametrize(
    ("text", "base"),
    [("", 16), ("-1", 16), ("+1", 16), (" 1", 10), ("1_0", 10), ("0x1", 16), ("0b1", 2), ("2", 2), ("٣", 10)],
)
def test_no_timestamp(text: str, base: int):
    assert parse_timestamp(text, base) is None


def test_a_timestamp_has_64_bits_at_most():
    assert parse_timestamp("7" + "f" * 15, 16) == 2**63 - 1
    assert parse_timestamp("8" + "0" * 15, 16) is None
    assert parse_timestamp("0" * (MAX_TIMESTAMP_DIGITS + 1), 2) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_query_breaks_it(query: str, sign: str):
    try:
        verify(UNTIL, f"{query}&sign={sign}&t=61769c40")
    except SecurityRefused:
        return
    raise AssertionError("nobody guesses a signature")


@given(
    st.lists(st.tuples(st.text("ab%+", min_size=1, max_size=3), st.text("cd=%+/", max_size=5)), max_size=5)
)
def test_of_a_repeated_field_the_first_counts_as_typed(pairs: list[tuple[str, str]]):
    expected: dict[str, str] = {}
    for name, value in pairs:
        expected.setdefault(name, value)
    found = query_fields("&".join(f"{name}={value}" for name, value in pairs))
    assert {name: value for name, value in found.items() if name} == expected


@given(st.text(max_size=300))
def test_a_rule_works_or_is_refused_by_its_name(rule: str):
    security = PlaySecurity(PlaySecurityType.EXPIRE, key1="k", rule=rule)
    try:
        check_play_security(security)
    except RuleError as error:
        assert error.field == "rule"
    else:
        assert not rule or ("$(key)" in rule and "$(_t)" in rule)


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"key1": ""}, "key1", "empty"),
        ({"ts_base": 1}, "tsBase", "2 to 36"),
        ({"ts_base": 37}, "tsBase", "2 to 36"),
        ({"ts_part": "a&b"}, "tsPart", "letters"),
        ({"sign_part": "ä"}, "signPart", "letters"),
        ({"sign_part": "t"}, "signPart", "differ"),
        ({"sign_part": "session"}, "signPart", "session"),
        ({"type": PlaySecurityType.START}, "range", "at least 1"),
        ({"rule": "$(key)$(_t)$(host)"}, "rule", r"\$\(host\)"),
        ({"rule2": "$(key)$(_t)$()"}, "rule2", "unknown"),
        ({"rule": "$(key)$(_t)$(path"}, "rule", "parenthesis"),
        ({"rule": "$(path)$(_t)"}, "rule", r"\$\(key\)"),
        ({"rule2": "$(key)$(path)"}, "rule2", r"\$\(_t\)"),
        ({"rule": "$(key)$(_t)" + "x" * 256}, "rule", "256"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(changes: dict, field: str, text: str):
    fields = {"type": PlaySecurityType.EXPIRE, "key1": "k"} | changes
    with pytest.raises(RuleError, match=text) as caught:
        check_play_security(PlaySecurity(**fields))
    assert caught.value.field == field


def test_a_setting_that_asks_for_nothing_needs_nothing():
    check_play_security(PlaySecurity())
    check_play_security(PlaySecurity(PlaySecurityType.NONE, rule="anything"))


@pytest.mark.parametrize("position", range(len(signed())))
def test_no_character_of_a_signed_address_can_be_changed(position: int):
    query = signed()
    changed = query[:position] + ("0" if query[position] != "0" else "1") + query[position + 1 :]
    assert refusal(UNTIL, changed).startswith("sign_")


def test_a_signature_of_another_stream_or_format_proves_nothing():
    for path in (
        "/hub/stream.m3u8",
        "/hub/stream",
        "/hub/stream2.flv",
        "/other/stream.flv",
        "/hub/Stream.flv",
    ):
        with pytest.raises(SecurityRefused, match="right key"):
            verify(UNTIL, signed(), path=path)


@pytest.mark.parametrize("extra", ["&t=7fffffff", "&sign=", "&t=", "&%73ign=0", "&T=7fffffff"])
def test_fields_that_come_behind_the_right_ones_change_nothing(extra: str):
    verify(UNTIL, signed() + extra)


@pytest.mark.parametrize("first", ["t=7fffffff", "sign=0", "t=", "sign="])
def test_of_fields_that_come_twice_the_first_counts(first: str):
    assert refusal(UNTIL, f"{first}&{signed()}").startswith("sign_")
