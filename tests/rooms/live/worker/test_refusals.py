"""What a worker remembers of whom it refused, over each protocol."""

from __future__ import annotations

from collections import Counter

import pytest

from oxbow.rooms.live.addresses import parse_rtmp_address
from oxbow.rooms.live.gateways.http.asked import asked_over_http
from oxbow.rooms.live.gateways.http.request import Request
from oxbow.rooms.live.gateways.rtmp.asked import asked_over_rtmp
from oxbow.rooms.live.refusing import Refused, rule_of
from oxbow.rooms.live.worker.refusals import Refusals

PEER = "[2001:db8::1]:5000"


def http(target: str, host: str = "Flv.Example.com:8080") -> Request:
    return Request("GET", target.encode(), {"host": host})


def test_a_viewer_over_http() -> None:
    refusals = Refusals(Counter())
    asked = asked_over_http(http("/live/match.flv?sign=abc&t=1"), False, "203.0.113.9:5000")
    refusals.add(asked, Refused("ip_denied", "no", found="203.0.113.9"), "r1")
    (record,) = refusals.take()
    assert (record.reqid, record.what, record.protocol, record.rule) == ("r1", "play", "flv", "ipLimit")
    assert (record.hub, record.stream, record.domain) == ("live", "match", "flv.example.com")
    assert record.address == "203.0.113.9"
    assert record.url == "http://Flv.Example.com:8080/live/match.flv?sign=…&t=1"
    assert refusals.take() == []


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/live/match.m3u8", ("live", "match")),
        ("/live/match/5f3-12.ts?session=0123456789abcdef", ("live", "match")),
        ("/live/%6datch.flv", ("live", "match")),
        ("/", ("", "")),
        ("/live/abc.flv", ("", "")),
        ("/live/" + "x" * 201 + ".flv", ("", "")),
        ("/../etc/passwd", ("", "")),
    ],
)
def test_the_stream_is_read_where_there_is_one(target: str, place: tuple[str, str]) -> None:
    asked = asked_over_http(http(target), False, PEER)
    assert (asked.hub, asked.stream) == place


def test_a_publisher_over_rtmp() -> None:
    refusals = Refusals(Counter())
    address = parse_rtmp_address("live", "rtmp://push.example.com/live", "match?e=1&token=secret")
    asked = asked_over_rtmp(
        "publish", PEER, "rtmp://push.example.com/live", "match?e=1&token=secret", address
    )
    refusals.add(asked, Refused("token_expired", "late", found="1", wanted="at least 9"), "r1")
    (record,) = refusals.take()
    assert record.url == "rtmp://push.example.com/live/match?e=1&token=…"
    assert (record.domain, record.found, record.wanted) == ("push.example.com", "1", "at least 9")


def test_an_address_that_is_none_is_told_as_it_was_typed() -> None:
    asked = asked_over_rtmp("publish", PEER, "rtmp://h/a/b?key=k", "c?key=k", None)
    assert (asked.url, asked.hub) == ("rtmp://h/a/b/c?key=k&key=k", "")


def test_a_flood_is_counted_in_full() -> None:
    counts: Counter[str] = Counter()
    refusals = Refusals(counts)
    for number in range(10_000):
        asked = asked_over_http(http(f"/live/s{number:04}.flv"), False, PEER)
        refusals.add(asked, Refused("sign_missing", "no"), f"r{number}")
    records = refusals.take()
    assert counts == {"sign_missing": 10_000}
    assert len(records) < 400
    assert sum(1 + record.more for record in records) == 10_000


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        ("stream_disabled", "disabled"),
        ("already_publishing", "secondPublisher"),
        ("sign_mismatch", "playSecurity"),
        ("bad_address", "address"),
    ],
)
def test_every_reason_has_a_rule(reason: str, rule: str) -> None:
    assert rule_of(reason) == rule
