"""Publish authorisation: the documented examples, what encoders do to addresses, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.rooms.live.models import Hub, PublishSecurity, Stream
from oxbow.rooms.live.policy import (
    Credentials,
    PublishAttempt,
    PublishRefused,
    effective_security,
    sign,
    verify_publish,
)

# The account and the addresses of https://developer.qiniu.com/pili/api/6678/push-the-current-authentication
AK = "7O7hf7Ld1RrC_fpZdFvU8aCgOPuhw2K4eapYOdII"
SK = "312ae9gd2BrCfpTdF4U8aIg9Puh62K4eEGY72Ea_"
KEY = "12345678"
EXPIRES = 1584522520
EXPIRY = "expire=1584522520&token=zYvN7rHgJiw2QUSo_xRoBZIf1kM="
EXPIRY_SK = f"e=1584522520&token={AK}:NfI2OWGCMdFDTLOfeUd-zSPVrFY="
DYNAMIC = "nonce=1584374401&token=DUxp5_kAg5UpPQND1vLRH0k2Kj8="


def attempt(query: str, now: float = EXPIRES - 60, stream: str = "teststreamtitle") -> PublishAttempt:
    return PublishAttempt("testhub", stream, query, "publish.domain.com", "192.0.2.1:50000", now)


def verify(security: str, query: str, key: str = KEY, **kwargs: object) -> int | None:
    return verify_publish(attempt(query, **kwargs), PublishSecurity(security), key, {AK: SK})  # type: ignore[arg-type]


def refusal(security: str, query: str, key: str = KEY, **kwargs: object) -> str:
    with pytest.raises(PublishRefused) as caught:
        verify(security, query, key, **kwargs)
    assert KEY not in caught.value.description
    assert SK not in caught.value.description
    return caught.value.reason


class TestDocumentedExamples:
    def test_none(self):
        assert verify("none", "", key="") is None

    def test_static(self):
        assert verify("static", "key=123", key="123") is None

    def test_expiry(self):
        assert verify("expiry", EXPIRY) is None

    def test_expiry_sk(self):
        assert verify("expiry_sk", EXPIRY_SK) is None

    def test_dynamic_returns_the_nonce_to_consume(self):
        assert verify("dynamic", DYNAMIC) == 1584374401

    def test_the_address_page_signs_the_same_way(self):
        # https://developer.qiniu.com/pili/api/2767/the-rtmp-push-flow-address leaves its secret key out: its
        # token is recomputed here with the other page's key to show that the form is the same.
        token = sign("/PiliSDKTest/streamTitle?e=1463023142", SK)
        shown = PublishAttempt(
            "PiliSDKTest", "streamTitle", f"e=1463023142&token={AK}:{token}", None, "", 1463023000
        )
        assert verify_publish(shown, PublishSecurity.EXPIRY_SK, "", {AK: SK}) is None


class TestWhatEncodersDoToTokens:
    @pytest.mark.parametrize(
        "token",
        [
            "zYvN7rHgJiw2QUSo_xRoBZIf1kM",
            "zYvN7rHgJiw2QUSo_xRoBZIf1kM%3D",
            "zYvN7rHgJiw2QUSo%5FxRoBZIf1kM=",
            "zYvN7rHgJiw2QUSo/xRoBZIf1kM=",
        ],
        ids=["no padding", "escaped padding", "escaped letter", "standard base64"],
    )
    def test_the_same_bytes_are_the_same_token(self, token: str):
        assert verify("expiry", f"expire={EXPIRES}&token={token}") is None

    def test_a_plus_of_standard_base64_stays_a_plus(self):
        expires = next(e for e in range(EXPIRES, EXPIRES + 999) if "-" in self.token(e))
        assert verify("expiry", f"expire={expires}&token={self.token(expires).replace('-', '+')}") is None

    def test_an_escaped_colon_of_expiry_sk(self):
        assert verify("expiry_sk", EXPIRY_SK.replace(":", "%3A")) is None

    def test_an_escaped_static_key(self):
        assert verify("static", "key=a%26b", key="a&b") is None
        assert verify("static", "key=50%25", key="50%25") is None

    @staticmethod
    def token(expires: int) -> str:
        return sign(f"/testhub/teststreamtitle?expire={expires}", KEY)


class TestFurtherParameters:
    def test_ahead_of_the_token_they_are_part_of_what_the_sdks_sign(self):
        prefix = f"a=1&expire={EXPIRES}&z=2"
        token = sign(f"/testhub/teststreamtitle?{prefix}", KEY)
        assert verify("expiry", f"{prefix}&token={token}") is None
        assert refusal("expiry", f"a=2&expire={EXPIRES}&z=2&token={token}") == "token_mismatch"

    def test_the_documented_form_signs_the_time_alone(self):
        assert verify("expiry", "bitrate=high&" + EXPIRY) is None
        assert verify("expiry", EXPIRY + "&bitrate=high") is None

    def test_a_second_time_cannot_prolong_a_token(self):
        later = EXPIRES + 1000
        for query in (f"{EXPIRY}&expire={later}", f"expire={EXPIRES}&expire={later}&{EXPIRY.split('&')[1]}"):
            assert refusal("expiry", query, now=EXPIRES + 1) == "token_expired"
        assert refusal("expiry", f"expire={later}&{EXPIRY}", now=EXPIRES + 1) == "token_mismatch"

    def test_what_covers_no_time_is_no_token(self):
        token = sign("/testhub/teststreamtitle?a=1", KEY)
        assert refusal("expiry", f"a=1&token={token}&expire={EXPIRES}") == "token_mismatch"


class TestRefusals:
    def test_expired_from_the_second_after(self):
        assert verify("expiry", EXPIRY, now=EXPIRES) is None
        assert refusal("expiry", EXPIRY, now=EXPIRES + 0.5) == "token_expired"
        assert refusal("expiry_sk", EXPIRY_SK, now=EXPIRES + 1) == "token_expired"

    def test_an_expired_forgery_is_a_forgery(self):
        assert refusal("expiry", EXPIRY, key="another", now=EXPIRES + 1) == "token_mismatch"

    @pytest.mark.parametrize("security", ["expiry", "expiry_sk", "dynamic"])
    def test_missing(self, security: str):
        assert refusal(security, "") == "token_missing"

    def test_missing_token_or_number(self):
        assert refusal("expiry", f"expire={EXPIRES}") == "token_missing"
        assert refusal("expiry", f"expire={EXPIRES}&token=") == "token_missing"
        assert refusal("expiry", EXPIRY.split("&")[1]) == "token_missing"

    @pytest.mark.parametrize("number", ["soon", "-1", "1e9", "1584522520.5", "١٢٣", "9" * 19, "9" * 5000])
    def test_numbers_that_are_none(self, number: str):
        assert refusal("expiry", f"expire={number}&token=x") == "token_malformed"
        assert refusal("dynamic", f"nonce={number}&token=x") == "token_malformed"

    def test_expiry_sk_without_access_key(self):
        assert refusal("expiry_sk", f"e={EXPIRES}&token=NfI2OWGCMdFDTLOfeUd-zSPVrFY=") == "token_malformed"

    def test_expiry_sk_with_an_unknown_or_disabled_access_key_looks_like_a_wrong_signature(self):
        assert refusal("expiry_sk", EXPIRY_SK.replace(AK, "nobody")) == "token_mismatch"

    def test_another_stream(self):
        assert refusal("expiry", EXPIRY, stream="anotherstream") == "token_mismatch"

    def test_static(self):
        assert refusal("static", "") == "key_missing"
        assert refusal("static", "key=") == "key_mismatch"
        assert refusal("static", "key=\udcff") == "key_mismatch"

    @pytest.mark.parametrize("security", ["static", "expiry", "dynamic"])
    def test_an_empty_publish_key_opens_nothing(self, security: str):
        token = sign(f"/testhub/teststreamtitle?expire={EXPIRES}", "")
        assert refusal(security, f"key=&expire={EXPIRES}&nonce=5&token={token}", key="") == "no_publish_key"


@given(st.sampled_from([EXPIRY, EXPIRY_SK, DYNAMIC]), st.data())
def test_no_single_changed_character_is_accepted(query: str, data: st.DataObject):
    security = {EXPIRY: "expiry", EXPIRY_SK: "expiry_sk", DYNAMIC: "dynamic"}[query]
    at = data.draw(st.integers(0, len(query) - 2))  # the last character is padding, which is optional
    changed = query[:at] + data.draw(st.characters(exclude_characters=query[at] + "+/")) + query[at + 1 :]
    with pytest.raises(PublishRefused):
        verify(security, changed)


@given(st.text(max_size=300))
def test_any_query_is_parsed_or_refused(query: str):
    Credentials.parse(query)
    for security in ("static", "expiry", "expiry_sk", "dynamic"):
        with pytest.raises(PublishRefused):
            verify(security, query)


def test_a_streams_own_security_beats_its_hubs():
    hub = Hub("testhub", "1", 0, 0, publish_security=PublishSecurity.EXPIRY, publish_key="hub key")
    inheriting = Stream("testhub", "stream", 0, 0, publish_key="not in use")
    own = Stream("testhub", "stream", 0, 0, publish_security=PublishSecurity.STATIC, publish_key="own key")
    assert effective_security(hub, None) == (PublishSecurity.EXPIRY, "hub key")
    assert effective_security(hub, inheriting) == (PublishSecurity.EXPIRY, "hub key")
    assert effective_security(hub, own) == (PublishSecurity.STATIC, "own key")
