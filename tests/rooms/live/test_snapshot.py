"""The decision a media worker takes for each viewer, and its trip over the wire."""

import pytest

from oxbow.rooms.live.addresses import PlayAddress, RtmpAddress
from oxbow.rooms.live.models import FOREVER, DomainType, SecondPublisher
from oxbow.rooms.live.snapshot import (
    ConfigSnapshot,
    DomainConfig,
    HubConfig,
    PlayRefused,
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
    assert refusal(stream="banned") == ("stream_disabled", 403)
    assert refusal(stream="until-later") == ("stream_disabled", 403)


def test_a_ban_ends_by_itself():
    assert play(stream="until-now").stream == "until-now"
