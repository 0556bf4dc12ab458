"""Sessions that stand for a signature: genuine, forged, foreign and old ones."""

from __future__ import annotations

import pytest

from oxbow.rooms.live.play_session import LENGTH, MAX_AGE, SessionScope, is_genuine, seal

NOW = 1_700_000_000.5
KEY = "a key of the database"
SCOPE = SessionScope("hls.example.com", "hub", "stream", "18c")
SESSION = seal("0123456789abcdef", SCOPE, NOW, KEY)


def test_it_counts_until_it_is_too_old():
    assert len(SESSION) == LENGTH
    assert is_genuine(SESSION, SCOPE, NOW, KEY)
    assert is_genuine(SESSION, SCOPE, NOW + MAX_AGE - 1, KEY)
    assert not is_genuine(SESSION, SCOPE, NOW + MAX_AGE, KEY)
    assert not is_genuine(SESSION, SCOPE, NOW - 3600, KEY)


def test_an_operator_may_have_it_end_sooner():
    assert is_genuine(SESSION, SCOPE, NOW + 59, KEY, max_age=60)
    assert not is_genuine(SESSION, SCOPE, NOW + 61, KEY, max_age=60)


@pytest.mark.parametrize("field", SessionScope._fields)
def test_it_counts_for_one_broadcast_on_one_domain(field: str):
    assert not is_genuine(SESSION, SCOPE._replace(**{field: "other"}), NOW, KEY)


@pytest.mark.parametrize("position", range(LENGTH))
def test_no_character_can_be_changed(position: int):
    other = "0" if SESSION[position] != "0" else "1"
    assert not is_genuine(SESSION[:position] + other + SESSION[position + 1 :], SCOPE, NOW, KEY)


@pytest.mark.parametrize("text", ["", "0123456789abcdef", SESSION + "0", SESSION[:-1] + "é"])
def test_what_is_no_session(text: str):
    assert not is_genuine(text, SCOPE, NOW, KEY)


def test_another_key_and_none():
    assert not is_genuine(SESSION, SCOPE, NOW, "other")
    assert not is_genuine(seal("0123456789abcdef", SCOPE, NOW, ""), SCOPE, NOW, "")
