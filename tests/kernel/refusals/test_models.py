"""A record holds no secret and nothing that a database or a terminal would choke on."""

import pytest

from oxbow.kernel.refusals.models import TEXT_LENGTH, Refusal, masked_query, masked_url


def refusal(**fields) -> Refusal:
    defaults = {
        "reqid": "r1",
        "at": 1.0,
        "what": "play",
        "rule": "ipLimit",
        "reason": "ip_denied",
        "message": "no",
    }
    return Refusal(**(defaults | fields))


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("", ""),
        ("t=6553f100&sign=0123456789abcdef", "t=6553f100&sign=…"),
        ("e=1700000000&token=AK:sig", "e=1700000000&token=…"),
        ("key=12345678", "key=…"),
        ("KEY=1&publishKey=2&%6bey=3", "KEY=…&publishKey=…&%6bey=…"),
        ("x=an-operator-named-it", "x=…"),
        ("a-bare-word-as-long-as-a-key", "…"),
        ("domain=a.example&n=1", "domain=a.example&n=1"),
        ("sign=", "sign="),
    ],
)
def test_secrets_are_cut(query: str, masked: str) -> None:
    assert masked_query(query) == masked


def test_an_address_keeps_its_place_but_not_its_user() -> None:
    assert (
        masked_url("rtmp://me:pw@push.example.com/live/s?key=k") == "rtmp://…@push.example.com/live/s?key=…"
    )
    assert masked_url("http://a.example/live/s@1.flv") == "http://a.example/live/s@1.flv"


def test_texts_are_bounded_and_printable() -> None:
    clean = refusal(url="a\x00b\x1b[31m\udc80" + "x" * 9999).fit()
    assert clean.url.startswith("a?b?[31m?x")
    assert len(clean.url) == TEXT_LENGTH
    assert refusal().fit() == refusal()
