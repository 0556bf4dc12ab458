"""What each command asks the API for, and what it tells."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable

import pytest
from click.testing import Result

from cli.conftest import CannedApi
from oxbow.client import stream_path

Oxbow = Callable[..., Result]
EVENING = stream_path("shows", "evening")
HUB = {
    "hubName": "shows",
    "boundDomainsOnly": True,
    "playSecurity": {"type": "tsExpireMD5"},
    "createdAt": 1700000000,
    "updatedAt": 1700000000,
    "domains": [{"type": "liveHls", "domain": "hls.example.com", "cname": ""}],
    "publishSecurity": "none",
}
SERVER = {
    "version": "1.2.3",
    "workers": [{"index": 0, "pid": 100, "connections": 8}],
    "streams": 1,
    "viewers": {"hls": 2, "rtmp": 7},
    "sentBytes": 1_000_000,
    "skippedBytes": 0,
    "droppedViewers": 0,
    "refused": {},
}
OFFLINE = {"startAt": 0, "clientIP": "", "bps": 0, "fps": {"audio": 0, "video": 0, "data": 0}, "playCount": 0}
LIVE = {
    "startAt": 1700000000,
    "clientIP": "10.0.0.1:5000",
    "bps": 2_000_000,
    "fps": {"audio": 43, "video": 25, "data": 0},
    "playCount": 7,
}


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["hub", "create", "shows"], ("POST", "/v2/hubs", {"name": "shows"})),
        (["hub", "delete", "shows", "--yes"], ("DELETE", "/v2/hubs/shows", None)),
        (
            ["hub", "security", "shows", "static", "--key", "abc"],
            ("POST", "/v2/hubs/shows/security", {"publishSecurity": "static", "publishKey": "abc"}),
        ),
        (
            ["hub", "play", "shows", "--bound-domains-only", "--sign", "tsExpireMD5", "--key", "k"],
            (
                "POST",
                "/v2/hubs/shows/play",
                {"boundDomainsOnly": True, "playSecurity": {"type": "tsExpireMD5", "key1": "k", "range": 0}},
            ),
        ),
        (
            ["hub", "rules", "shows", "--second-publisher", "takeover", "--grace", "-1", "--no-auto-create"],
            (
                "POST",
                "/v2/hubs/shows/publish",
                {"secondPublisher": "takeover", "graceSeconds": -1, "autoCreate": False},
            ),
        ),
        (
            ["stream", "security", "shows", "evening", "hub"],
            ("POST", f"{EVENING}/security", {"publishSecurity": "", "publishKey": ""}),
        ),
        (["stream", "create", "shows", "evening"], ("POST", "/v2/hubs/shows/streams", {"key": "evening"})),
        (
            ["stream", "delete", "shows", "evening", "--yes"],
            ("DELETE", stream_path("shows", "evening"), None),
        ),
        (
            ["stream", "disable", "shows", "evening"],
            ("POST", stream_path("shows", "evening") + "/disabled", {"disabledTill": -1, "reason": ""}),
        ),
        (
            ["stream", "enable", "shows", "evening"],
            ("POST", stream_path("shows", "evening") + "/disabled", {"disabledTill": 0}),
        ),
        (
            ["domain", "enable", "shows", "hls.example.com"],
            ("POST", "/v2/hubs/shows/domains/hls.example.com/enable", {}),
        ),
        (
            ["domain", "disable", "shows", "hls.example.com"],
            ("POST", "/v2/hubs/shows/domains/hls.example.com/disable", {}),
        ),
        (
            ["domain", "cert", "shows", "hls.example.com", "--none"],
            ("POST", "/v2/hubs/shows/domains/hls.example.com/cert", {"certName": ""}),
        ),
        (
            ["domain", "ip-limit", "shows", "hls.example.com", "--allow", "192.0.2.7", "--allow", "::1"],
            (
                "POST",
                "/v2/hubs/shows/domains/hls.example.com/ipLimit",
                {"whitelist": ["192.0.2.7", "::1"], "blacklist": []},
            ),
        ),
        (
            ["domain", "referer-limit", "shows", "hls.example.com", "--deny", "a.com", "--no-allow-empty"],
            (
                "POST",
                "/v2/hubs/shows/domains/hls.example.com/refererLimit",
                {"allow": [], "deny": ["a.com"], "allowEmpty": False},
            ),
        ),
        (
            ["domain", "play-security", "shows", "hls.example.com", "tsExpireMD5", "--key", "k"],
            (
                "POST",
                "/v2/hubs/shows/domains/hls.example.com/playSecurity",
                {"type": "tsExpireMD5", "key1": "k", "key2": "", "range": 0},
            ),
        ),
        (
            ["domain", "unbind", "shows", "hls.example.com"],
            ("DELETE", "/v2/hubs/shows/domains/hls.example.com", None),
        ),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_command_is_one_signed_request(
    oxbow: Oxbow, api: CannedApi, command: list[str], asked: tuple[str, str, object]
) -> None:
    api.answer(asked[0], asked[1], {})
    result = oxbow(*command)
    assert (result.exit_code, api.asked) == (0, [asked]), result.output


def test_a_deletion_that_is_not_confirmed_does_nothing(oxbow: Oxbow, api: CannedApi) -> None:
    assert oxbow("hub", "delete", "shows", input="n\n").exit_code == 1
    assert api.asked == []


def test_rules_without_a_change_are_a_mistake(oxbow: Oxbow, api: CannedApi) -> None:
    assert oxbow("hub", "rules", "shows").exit_code == 2
    assert api.asked == []


def test_a_publish_key_is_made_up_and_shown_when_none_is_given(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("POST", "/v2/hubs/shows/security", {})
    output = oxbow("hub", "security", "shows", "expiry").output
    made_up = api.asked[0][2]["publishKey"]
    assert len(made_up) == 32
    assert made_up in output


def test_lists_are_followed_to_their_end(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows/streams?limit=1000", {"items": [{"key": "aaaa"}], "marker": "m"})
    api.answer(
        "GET", "/v2/hubs/shows/streams?limit=1000&marker=m", {"items": [{"key": "bbbb"}], "marker": ""}
    )
    assert json.loads(oxbow("stream", "list", "shows", "--json").output) == ["aaaa", "bbbb"]
    assert oxbow("stream", "list", "shows").output.split() == ["STREAM", "aaaa", "bbbb"]


def test_a_hub_is_shown_with_its_domains(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB)
    rules = {"autoCreate": True, "secondPublisher": "refuse", "graceSeconds": 10}
    api.answer("GET", "/v2/hubs/shows/publish", rules)
    output = oxbow("hub", "show", "shows").output
    assert "hls.example.com (liveHls)" in output
    assert "2023-11-14 22:13:20Z" in output
    assert "its bound domains only" in output
    assert "tsExpireMD5" in output


def test_a_stream_is_shown_with_its_broadcasts(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", EVENING, {"createdAt": 1700000000, "publishSecurity": "", "disabledTill": 0})
    api.answer("GET", f"{EVENING}/live", LIVE)
    item = {"start": 1700000000, "end": 1700000060, "clientIP": "10.0.0.1:5000", "serverIP": ""}
    api.answer("GET", f"{EVENING}/historyactivity", {"items": [item]})
    media = {
        "width": 1280,
        "height": 720,
        "videoFrameRate": 25.0,
        "videoCodec": "H264",
        "videoProfile": "High",
        "videoLevel": "3.1",
        "audioCodec": "",
        "audioProfile": "",
        "audioChannel": 0,
        "audioSampleRate": 0,
    }
    way = {"domain": "", "protocol": "flv", "area": "cn", "isp": "", "playCount": 7, "bandwidth": 56000}
    api.answer("GET", f"{EVENING}/details", {"publisher": {}, "media": media, "audience": [way]})
    output = oxbow("stream", "show", "shows", "evening").output
    assert "7 viewers" in output
    assert "H264 High 3.1, 1280x720, 25 pictures/s" in output
    assert " ".join(output[output.index("DOMAIN") :].split()[6:12]) == "- flv cn - 7 56000"
    assert "2023-11-14 22:14:20Z" in output


def test_status_shows_what_is_live(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/readyz", {})
    api.answer("GET", "/v2/server", SERVER)
    api.answer("GET", "/v2/hubs", {"items": [{"name": "shows"}]})
    live = "/v2/hubs/shows/streams?limit=1000&liveonly=true"
    api.answer("GET", live, {"items": [{"key": "evening"}, {"key": "ended"}], "marker": ""})
    api.answer("GET", f"{EVENING}/live", LIVE)
    api.answer("GET", stream_path("shows", "ended") + "/live", OFFLINE)
    document = json.loads(oxbow("status", "--json").output)
    assert [(item["name"], item["viewers"]) for item in document["live"]] == [("evening", 7)]
    output = oxbow("status").output
    assert "2.00 Mbit/s" in output
    assert "9 (2 hls, 7 rtmp)" in output


def test_addresses_name_the_domain_where_one_is_bound(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB)
    api.answer("GET", "/v2/hubs/shows/domains/hls.example.com", {"playSecurity": {"type": ""}})
    api.answer("GET", "/v2/hubs/shows/play", {"playSecurity": {"type": ""}})
    assert json.loads(oxbow("url", "play", "shows", "evening", "--json").output) == {
        "RTMP": "rtmp://127.0.0.1/shows/evening",
        "HTTP-FLV": "http://127.0.0.1:7080/shows/evening.flv",
        "WebSocket-FLV": "ws://127.0.0.1:7080/shows/evening.flv",
        "HLS": "http://hls.example.com:7080/shows/evening.m3u8",
    }


def test_a_play_address_is_signed_where_its_domain_asks_for_it(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB)
    security = {"type": "tsExpireMD5", "key1": "k", "rule": "", "tsPart": "", "tsBase": 10, "signPart": ""}
    api.answer("GET", "/v2/hubs/shows/domains/hls.example.com", {"playSecurity": security})
    printed = json.loads(oxbow("url", "play", "shows", "evening", "--seconds", "60", "--json").output)
    address, _, query = printed["HLS"].partition("?")
    assert address == "http://hls.example.com:7080/shows/evening.m3u8"
    expires = query.rpartition("&t=")[2]
    assert time.time() < int(expires) <= time.time() + 60
    sign = hashlib.md5(f"k/shows/evening.m3u8{expires}".encode()).hexdigest()
    assert query == f"sign={sign}&t={expires}"
    assert "?" not in printed["HTTP-FLV"]


def test_addresses_are_encrypted_where_the_domain_has_a_certificate_and_somebody_listens(
    oxbow: Oxbow, api: CannedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    domains = [{"type": kind, "domain": f"{kind}.example.com".lower()} for kind in ("publishRtmp", "liveHdl")]
    api.answer("GET", "/v2/hubs/shows", HUB | {"domains": domains})
    for domain in domains:
        info = {"playSecurity": {"type": "none"}, "certEnable": True}
        api.answer("GET", f"/v2/hubs/shows/domains/{domain['domain']}", info)
    assert "rtmp://publishrtmp" in oxbow("url", "publish", "shows", "evening").output
    monkeypatch.setenv("OXBOW_MEDIA_TLS_LISTEN", "0.0.0.0:443")
    monkeypatch.setenv("OXBOW_RTMPS_LISTEN", "0.0.0.0:1936")
    assert json.loads(oxbow("url", "play", "shows", "evening", "--json").output) == {
        "RTMP": "rtmp://127.0.0.1/shows/evening",
        "HTTP-FLV": "https://livehdl.example.com/shows/evening.flv",
        "WebSocket-FLV": "wss://livehdl.example.com/shows/evening.flv",
        "HLS": "http://127.0.0.1:7080/shows/evening.m3u8",
    }
    published = oxbow("url", "publish", "shows", "evening").output
    assert published == "rtmps://publishrtmp.example.com:1936/shows/evening\n"


def test_a_domain_without_a_setting_is_signed_as_its_hub_asks_for(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB)
    api.answer("GET", "/v2/hubs/shows/domains/hls.example.com", {"playSecurity": {"type": ""}})
    security = {"type": "tsExpireMD5", "key1": "k", "rule": "", "tsPart": "", "tsBase": 10, "signPart": ""}
    api.answer("GET", "/v2/hubs/shows/play", {"playSecurity": security})
    assert "?sign=" in oxbow("url", "play", "shows", "evening").output


def test_addresses_name_the_host_that_is_asked_for(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB | {"domains": []})
    output = oxbow("url", "play", "shows", "evening", "--host", "media.example.com").output
    assert "rtmp://media.example.com/shows/evening" in output


@pytest.mark.parametrize("security", ["static", "expiry", "dynamic"])
def test_a_publish_address_is_made_with_the_hubs_key(oxbow: Oxbow, api: CannedApi, security: str) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB | {"publishSecurity": security})
    assert oxbow("url", "publish", "shows", "evening", "--key", "abc").exit_code == 0
    api.answer("GET", "/v2/hubs/shows/publishKey", {"publishSecurity": security, "publishKey": "abc"})
    assert oxbow("url", "publish", "shows", "evening").exit_code == 0


def test_a_hub_without_a_key_is_told(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB | {"publishSecurity": "static"})
    api.answer("GET", "/v2/hubs/shows/publishKey", {"publishSecurity": "static", "publishKey": ""})
    result = oxbow("url", "publish", "shows", "evening")
    assert (result.exit_code, "no publish key" in result.stderr) == (2, True)


def test_a_streams_own_security_counts_before_its_hubs(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs/shows", HUB)
    own = {"publishSecurity": "static", "publishKey": "secret-of-the-stream"}
    api.answer("GET", EVENING, own)
    output = oxbow("url", "publish", "shows", "evening").output
    assert output == "rtmp://127.0.0.1/shows/evening?key=secret-of-the-stream\n"
