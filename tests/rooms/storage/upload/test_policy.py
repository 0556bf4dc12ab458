"""Upload tokens and what their policies let through, signed by the official SDK."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiniu import Auth

from oxbow.rooms.storage.errors import BadUploadToken, Forbidden, TooLarge
from oxbow.rooms.storage.upload.policy import UploadPolicy, UploadToken, mime_allowed, parse_token

AUTH = Auth("the-access-key", "the-secret-key")


def token_of(policy: object) -> str:
    """A token for any policy, which the SDK would not make."""
    encoded = base64.urlsafe_b64encode(json.dumps(policy).encode()).decode()
    return f"the-access-key:{AUTH.token(encoded).partition(':')[2]}:{encoded}"


def policy(scope: str = "b", **fields: Any) -> UploadPolicy:
    return UploadPolicy(scope, 0, **fields)


def test_the_official_clients_token_is_understood() -> None:
    token = parse_token(
        AUTH.upload_token("b", "k:e/y", 60, {"fsizeLimit": 7, "returnBody": "$(key)", "insertOnly": 1})
    )
    token.verify("the-secret-key", time.time())
    assert token.access_key == "the-access-key"
    assert (token.policy.bucket, token.policy.scope_key) == ("b", "k:e/y")
    assert (token.policy.fsize_limit, token.policy.return_body) == (7, "$(key)")
    assert token.policy.adds_only


def test_another_secret_is_refused() -> None:
    with pytest.raises(BadUploadToken, match="signature"):
        parse_token(AUTH.upload_token("b")).verify("another-secret", time.time())


def test_a_deadline_passes() -> None:
    token = parse_token(AUTH.upload_token("b", expires=60))
    with pytest.raises(BadUploadToken, match="expired"):
        token.verify("the-secret-key", time.time() + 120)


def test_a_tampered_policy_is_refused() -> None:
    access_key, signature, _ = AUTH.upload_token("b", "key").split(":")
    other = AUTH.upload_token("b").split(":")[2]
    with pytest.raises(BadUploadToken, match="signature"):
        parse_token(f"{access_key}:{signature}:{other}").verify("the-secret-key", time.time())


def test_fields_of_other_products_are_passed_over() -> None:
    assert parse_token(token_of({"scope": "b", "deadline": 1, "transform": "x"})).policy.scope == "b"


@pytest.mark.parametrize(
    ("given_policy", "names"),
    [
        ({"deadline": 1}, "scope"),
        ({"scope": "b"}, "deadline"),
        ({"scope": "b", "deadline": "soon"}, "deadline"),
        ({"scope": "b", "deadline": 1, "fileType": 9}, "fileType"),
        ({"scope": "b", "deadline": 1, "deleteAfterDays": -1}, "deleteAfterDays"),
        (["scope"], "object"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused_by_name(given_policy: object, names: str) -> None:
    with pytest.raises(BadUploadToken, match=names):
        parse_token(token_of(given_policy))


@pytest.mark.parametrize(
    "token", ["", "a", "a:b", "a:b:c:d", "::", "a:b:!!!", "a:b:e30", "é:é:é", "a:" * 50_000]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BadUploadToken):
        parse_token(token)


@given(st.text())
def test_no_text_breaks_the_parser(token: str) -> None:
    with contextlib.suppress(BadUploadToken):
        assert isinstance(parse_token(token), UploadToken)


class TestScope:
    @pytest.mark.parametrize("key", [None, "", "any"])
    def test_a_bucket_takes_any_key_and_adds_only(self, key: str | None) -> None:
        policy("b").check_key(key)
        assert policy("b").adds_only

    def test_a_key_takes_that_key_and_overwrites(self) -> None:
        policy("b:k").check_key("k")
        assert not policy("b:k").adds_only
        assert policy("b:k", insert_only=1).adds_only

    @pytest.mark.parametrize("key", [None, "", "kk", "K", "k/"])
    def test_a_key_takes_no_other(self, key: str | None) -> None:
        with pytest.raises(Forbidden, match="scope"):
            policy("b:k").check_key(key)

    def test_a_prefix_takes_what_begins_with_it_and_adds_only(self) -> None:
        prefixal = policy("b:user/7/", is_prefixal_scope=1)
        prefixal.check_key("user/7/a")
        assert prefixal.adds_only
        with pytest.raises(Forbidden):
            prefixal.check_key("user/70")


class TestSize:
    def test_the_limit_is_the_last_size_that_passes(self) -> None:
        policy(fsize_limit=10).check_size(10)
        with pytest.raises(TooLarge, match="fsizeLimit"):
            policy(fsize_limit=10).check_size(11, complete=False)

    def test_the_minimum_counts_when_all_is_there(self) -> None:
        policy(fsize_min=10).check_size(9, complete=False)
        with pytest.raises(Forbidden, match="fsizeMin"):
            policy(fsize_min=10).check_size(9)


@pytest.mark.parametrize(
    ("limit", "mime_type", "allowed"),
    [
        ("image/*", "image/png", True),
        ("image/*", "IMAGE/PNG; x=y", True),
        ("image/*", "imagex/png", False),
        ("image/jpeg;image/png", "image/png", True),
        ("image/jpeg;image/png", "image/gif", False),
        ("!application/json;text/plain", "text/plain", False),
        ("!application/json;text/plain", "image/png", True),
    ],
)
def test_types_are_allowed_or_forbidden_by_name(limit: str, mime_type: str, allowed: bool) -> None:
    assert mime_allowed(limit, mime_type) is allowed
