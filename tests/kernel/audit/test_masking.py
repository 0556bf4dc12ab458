"""What of a change may be written down."""

import json

import pytest

from oxbow.kernel.audit.masking import MASK, difference, masked

KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize(
    "name",
    [
        "publish_key",
        "publishKey",
        "key1",
        "key2",
        "secret_key",
        "secretKey",
        "password",
        "password_hash",
        "key_pem",
    ],
)
def test_secrets_are_masked_by_their_names(name):
    assert masked({name: "s3cret"}) == {name: MASK}


def test_an_empty_secret_says_that_there_is_none():
    assert masked({"publish_key": ""}) == {"publish_key": ""}


def test_an_access_key_is_no_secret():
    assert masked({"access_key": "ak", "publish_security": "static"}) == {
        "access_key": "ak",
        "publish_security": "static",
    }


def test_settings_kept_as_json_are_looked_into():
    column = json.dumps({"key1": "s3cret", "nested": [{"password": "s3cret", "name": "x"}], "range": 5})
    assert masked({"play_security": column}) == {
        "play_security": {"key1": MASK, "nested": [{"password": MASK, "name": "x"}], "range": 5}
    }


@pytest.mark.parametrize(
    "text",
    [
        "https://cb.example.com/?a=1&token=s3cret",
        "https://user:s3cret@cb.example.com/",
        KEY.replace("MHcCAQEE", "s3cret"),
        KEY.replace("MHcCAQEE", "s3cret").partition("-----END")[0],
    ],
)
def test_secrets_inside_texts_are_masked(text):
    assert "s3cret" not in str(masked({"note": text}))


def test_deep_nonsense_is_kept_as_text():
    assert isinstance(masked({"note": "[" * 100_000})["note"], str)


def test_a_change_is_the_fields_that_differ():
    before = {"a": 1, "b": 2, "publish_key": "old", "updated_at": 1}
    after = {"a": 1, "b": 3, "publish_key": "new", "updated_at": 2}
    assert difference(before, after) == ({"b": 2, "publish_key": MASK}, {"b": 3, "publish_key": MASK})


def test_what_changes_nothing_is_no_change():
    assert difference({"a": 1, "updated_at": 1}, {"a": 1, "updated_at": 2}) is None


def test_what_is_new_or_gone_is_told_whole():
    assert difference(None, {"a": 1}) == (None, {"a": 1})
    assert difference({"a": 1}, None) == ({"a": 1}, None)
