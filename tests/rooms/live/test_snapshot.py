"""The decision a media worker takes for each viewer, and its trip over the wire."""

import hashlib

import pytest

from oxbow.rooms.live.addresses import PlayAddress, RtmpAddress
from oxbow.rooms.live.limits import IpLimit, RefererLimit
from oxbow.rooms.live.models import FOREVER, DomainType, SecondPublisher
from oxbow.rooms.live.play_security import PlaySecurity, PlaySecurityType
from oxbow.rooms.live.play_session import SessionScope, seal
from oxbow.rooms.live.snapshot import (
    ConfigSnapshot,
    DomainConfig,
    HubConfig,
    PlayRefused,
    Visitor,
    compiled,
    decide_play,
    decode_snapshot,
    encode_snapshot,
)

NOW = 1_700_000_000.0
SNAPSHOT = ConfigSnapshot(
    version=7,
    hubs={"live": HubConfig("live", 10, SecondPublisher.TAKEOVER), "other": HubConfig("other", 0)},
    domains={
        "flv.example.com": DomainConfig("live", DomainType.LIVE_HDL),
        "hls.example.com": DomainConfig("live", DomainType.LIVE_HLS),
        "rtmp.example.com": DomainConfig("live", DomainType.LIVE_RTMP),
        "push.example.com": DomainConfig("live", DomainType.PUBLISH_RTMP),
        "off.example.com": DomainConfig("live", DomainType.LIVE_HDL, disabled=True),
    },
    banned={"live/banned": FOREVER, "live/until-now": int(NOW), "live/until-later": int(NOW) + 1},
)


def play(stream: str = "stream", hub: str = "live", host: str | None = None, protocol: str = "flv"):
    return decide_play(SNAPSHOT, PlayAddress(hub, stream, "flv", ""), host, protocol, NOW)


def refusal(**kwargs: str) -> tuple[str, int]:
    with pytest.raises(PlayRefused) as caught:
        play(**kwargs)
    return caught.value.reason, caught.value.http_status


def test_it_survives_the_wire():
    assert decode_snapshot(encode_snapshot(SNAPSHOT)) == SNAPSHOT


@pytest.mark.parametrize("host", [None, "127.0.0.1:7080", "localhost", "[::1]:7080", "unbound.example.com"])
def test_without_a_bound_domain_the_path_decides(host: str | None):
    assert play(host=host).domain is None


@pytest.mark.parametrize(
    ("host", "protocol"),
    [("FLV.example.com:7080", "flv"), ("hls.example.com", "hls"), ("rtmp.example.com.", "rtmp")],
)
def test_a_bound_domain_serves_its_protocol(host: str, protocol: str):
    assert play(host=host, protocol=protocol).domain == f"{protocol}.example.com"


def test_an_rtmp_address_is_decided_likewise():
    grant = decide_play(SNAPSHOT, RtmpAddress("live", "stream", "", None), "rtmp.example.com", "rtmp", NOW)
    assert (grant.hub, grant.stream) == ("live", "stream")


def test_refusals():
    assert refusal(hub="nowhere") == ("hub_not_found", 404)
    assert refusal(host="hls.example.com") == ("domain_wrong_type", 403)
    assert refusal(host="push.example.com", protocol="rtmp") == ("domain_wrong_type", 403)
    assert refusal(hub="other", host="flv.example.com") == ("domain_not_bound", 403)
    assert refusal(host="off.example.com") == ("domain_disabled", 403)
    assert refusal(stream="banned") == ("stream_disabled", 403)
    assert refusal(stream="until-later") == ("stream_disabled", 403)


def test_a_ban_ends_by_itself():
    assert play(stream="until-now").stream == "until-now"


GUARDED = ConfigSnapshot(
    hubs={"live": HubConfig("live", 10)},
    domains={
        "hls.example.com": DomainConfig(
            "live",
            DomainType.LIVE_HLS,
            PlaySecurity(PlaySecurityType.EXPIRE, key1="test"),
            IpLimit(blacklist=("192.0.2.0/24",)),
            RefererLimit(deny=("bad.example.com",)),
        )
    },
    session_key="secret",
)
LIFE = "18c"


def scope(**changes: str) -> SessionScope:
    return SessionScope("hls.example.com", "live", "stream", LIFE)._replace(**changes)


def guarded(extension: str = "m3u8", query: str = "", **visitor: str) -> str:
    """Why a visitor of the guarded domain is refused; empty if it gets in."""
    address = PlayAddress("live", "stream", extension, query)
    try:
        grant = decide_play(
            GUARDED, address, "hls.example.com", "hls", NOW, Visitor(**{"ip": "::1"} | visitor)
        )
    except PlayRefused as refused:
        assert refused.http_status == 403
        return refused.reason
    assert grant.sealed
    return ""


def signed() -> str:
    sign = hashlib.md5(b"test/live/stream.m3u87fffffff").hexdigest()
    return f"sign={sign}&t=7fffffff"


def test_the_guarded_configuration_survives_the_wire_as_well():
    assert decode_snapshot(encode_snapshot(GUARDED)) == GUARDED


def test_a_signature_a_page_and_an_address_are_asked_for():
    assert guarded() == "sign_missing"
    assert guarded(query=signed()) == ""
    assert guarded(query=signed(), ip="192.0.2.1") == "ip_denied"
    assert guarded(query=signed(), referer="http://bad.example.com/") == "referer_denied"


def test_a_session_stands_for_signature_and_page_but_not_for_the_address():
    session = seal("0" * 16, scope(), NOW, "secret")
    for extension in ("m3u8", "ts"):
        assert guarded(extension, session=session, life=LIFE, referer="http://bad.example.com/") == ""
        assert guarded(extension, session=session, life=LIFE, ip="192.0.2.1") == "ip_denied"


def test_sessions_that_are_none():
    foreign = [scope(domain="a.example.com"), scope(hub="other"), scope(stream="other"), scope(life="1")]
    sessions = ["0" * 16, "0" * 56, seal("0" * 16, scope(), NOW, "guessed")]
    for session in (*sessions, *(seal("0" * 16, of, NOW, "secret") for of in foreign)):
        assert guarded("ts", session=session, life=LIFE) == "session_invalid"
        assert guarded(query=signed(), session=session, life=LIFE) == "session_invalid"


def test_a_segment_is_for_who_has_a_session():
    assert guarded("ts", query=signed()) == "session_missing"


def test_an_rtmp_address_is_signed_without_an_extension():
    domain = DomainConfig("live", DomainType.LIVE_RTMP, PlaySecurity(PlaySecurityType.EXPIRE, key1="test"))
    snapshot = ConfigSnapshot(hubs={"live": HubConfig("live", 0)}, domains={"rtmp.example.com": domain})
    sign = hashlib.md5(b"test/live/stream7fffffff").hexdigest()
    address = RtmpAddress("live", "stream", f"sign={sign}&t=7fffffff", "rtmp.example.com")
    assert decide_play(snapshot, address, address.domain, "rtmp", NOW).domain == "rtmp.example.com"
    with pytest.raises(PlayRefused, match="must carry"):
        decide_play(snapshot, address._replace(query=""), address.domain, "rtmp", NOW)


def test_a_change_compiles_what_changed_and_nothing_else():
    lists = IpLimit(blacklist=("192.0.2.0/24",))
    first = compiled(
        ConfigSnapshot(domains={"a": DomainConfig("live", DomainType.LIVE_HDL, ip_limit=lists)}), SNAPSHOT
    )
    assert {"_white", "_black"} <= vars(first.domains["a"].ip_limit).keys()
    told = decode_snapshot(encode_snapshot(first))
    changed = {**told.domains, "b": DomainConfig("live", DomainType.LIVE_HLS)}
    second = compiled(ConfigSnapshot(2, told.hubs, changed), first)
    assert second.domains["a"] is first.domains["a"]
    assert second.domains["b"].url_rewrite.compiled == ()
    assert second.version == 2
