"""Who may use a domain, over HTTP: what is set is shown and counts, what cannot work names its field."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from geo_databases import SHANGHAI, write_database
from oxbow.kernel.geoip import GeoFinder
from oxbow.rooms.live.verdicts import PLAY_ORDER

HLS, PUSH = "hls.example.com", "push.example.com"
PATH = f"/v2/hubs/live/domains/{HLS}"
SECURITY = {"type": "tsExpireMD5", "key1": "first", "key2": "second", "gapDuration": 5}


@pytest.fixture(autouse=True)
async def domains(api: httpx.AsyncClient) -> None:
    for domain, kind in ((HLS, "liveHls"), (PUSH, "publishRtmp")):
        await api.post("/v2/hubs/live/newdomains", json={"domain": domain, "type": kind})


async def post(api: httpx.AsyncClient, path: str, body: dict[str, Any]) -> tuple[int, str]:
    answer = await api.post(path, json=body)
    return answer.status_code, answer.json().get("error", "")


async def explain(api: httpx.AsyncClient, url: str, **fields: str) -> dict[str, Any]:
    answer = await api.post("/v2/hubs/live/explain", json={"url": url, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def reason(api: httpx.AsyncClient, url: str, **fields: str) -> tuple[str, str]:
    found = await explain(api, url, **fields)
    assert found["allowed"] == (not found["reason"])
    return found["rule"], found["reason"]


async def test_what_is_set_is_shown(api: httpx.AsyncClient, service):
    assert await post(api, f"{PATH}/playSecurity", SECURITY) == (200, "")
    assert await post(api, f"{PATH}/ipLimit", {"WhiteList": ["192.0.2.1"], "blacklist": []}) == (200, "")
    assert await post(api, f"{PATH}/refererLimit", {"allow": ["*.Example.com"], "allowEmpty": False}) == (
        200,
        "",
    )
    info = (await api.get(PATH)).json()
    assert info["playSecurity"] == {
        "type": "tsExpireMD5",
        "key1": "first",
        "key2": "second",
        "range": 0,
        "rule": "",
        "rule2": "",
        "tsPart": "",
        "tsBase": 0,
        "signPart": "",
        "gapDuration": 5,
    }
    assert info["ipLimit"] == {"whitelist": ["192.0.2.1/32"], "blacklist": []}
    assert info["refererLimit"] == {"allow": ["*.example.com"], "deny": [], "allowEmpty": False}
    in_workers = (await service.snapshot()).domains[HLS]
    assert in_workers.play_security.keys == ("first", "second")
    assert in_workers.asks_for_proof
    assert len((await service.snapshot()).session_key) == 64


async def test_a_setting_is_replaced_as_a_whole(api: httpx.AsyncClient):
    await post(api, f"{PATH}/playSecurity", SECURITY)
    await post(api, f"{PATH}/playSecurity", {"type": ""})
    assert (await api.get(PATH)).json()["playSecurity"]["key1"] == ""


@pytest.mark.parametrize(
    ("setting", "body", "field"),
    [
        ("playSecurity", {}, "type"),
        ("playSecurity", {"type": "md5"}, "type"),
        ("playSecurity", {"type": "tsExpireMD5"}, "key1"),
        ("playSecurity", SECURITY | {"key1": "ä"}, "key1"),
        ("playSecurity", SECURITY | {"tsBase": 1}, "tsBase"),
        ("playSecurity", SECURITY | {"tsBase": 37}, "tsBase"),
        ("playSecurity", SECURITY | {"range": "60"}, "range"),
        ("playSecurity", SECURITY | {"type": "tsStartMD5"}, "range"),
        ("playSecurity", SECURITY | {"rule": "$(key)$(_t)$(nothing)"}, "rule"),
        ("playSecurity", SECURITY | {"rule2": "x" * 257}, "rule2"),
        ("playSecurity", SECURITY | {"secret": 1}, "secret"),
        ("ipLimit", {"whitelist": ["10.0.0.0/99"]}, "whitelist"),
        ("ipLimit", {"blacklist": ["nonsense"]}, "blacklist"),
        ("ipLimit", {"blacklist": ["::1"] * 1001}, "blacklist"),
        ("ipLimit", {"blacklist": "::1"}, "blacklist"),
        ("refererLimit", {"allow": ["http://a.example.com"]}, "allow"),
        ("refererLimit", {"deny": ["*"]}, "deny"),
    ],
)
async def test_nonsense_is_refused_by_its_name(api: httpx.AsyncClient, setting: str, body: dict, field: str):
    status, text = await post(api, f"{PATH}/{setting}", body)
    assert (status, text.partition(":")[0]) == (400, field) or (status == 400 and text.startswith(field))
    assert (await api.get(PATH)).json()["ipLimit"] == {"whitelist": [], "blacklist": []}


async def test_a_domain_for_publishing_has_only_an_ip_limit(api: httpx.AsyncClient):
    path = f"/v2/hubs/live/domains/{PUSH}"
    assert (await post(api, f"{path}/playSecurity", SECURITY))[0] == 400
    assert (await post(api, f"{path}/refererLimit", {"allow": ["a.example.com"]}))[0] == 400
    assert (await post(api, f"{path}/ipLimit", {"blacklist": ["192.0.2.0/24"]}))[0] == 200
    assert await reason(api, f"rtmp://{PUSH}/live/stream", clientIP="192.0.2.9") == ("ipLimit", "ip_denied")
    assert await reason(api, f"rtmp://{PUSH}/live/stream", clientIP="192.0.3.9") == ("", "")


@pytest.mark.parametrize("setting", ["playSecurity", "ipLimit", "refererLimit"])
async def test_only_for_a_domain_of_ones_own(
    api: httpx.AsyncClient, strangers_api: httpx.AsyncClient, setting: str
):
    body = {"type": "none"} if setting == "playSecurity" else {}
    assert await post(strangers_api, f"{PATH}/{setting}", body) == (612, "hub not found")
    assert await post(api, f"/v2/hubs/live/domains/no.example.com/{setting}", body) == (612, "no such domain")


class TestExplain:
    async def test_a_signed_address(self, api: httpx.AsyncClient, clock):
        await post(api, f"{PATH}/playSecurity", SECURITY)
        url = f"http://{HLS}:7080/live/stream.m3u8"
        assert await reason(api, url) == ("playSecurity", "sign_missing")
        stamp = f"{int(clock.now):x}"
        sign = hashlib.md5(f"second/live/stream.m3u8{stamp}".encode()).hexdigest()
        assert await explain(api, f"{url}?sign={sign}&t={stamp}") == {
            "allowed": True,
            "action": "play",
            "stream": "stream",
            "domain": HLS,
            "rewritten": "",
            "rule": "",
            "reason": "",
            "description": "",
            "rules": [{"rule": rule, "result": "pass"} for rule in PLAY_ORDER],
        }
        assert (await explain(api, f"{url}?sign={sign}0&t={stamp}"))["reason"] == "sign_mismatch"
        clock.now += 6
        assert await reason(api, f"{url}?sign={sign}&t={stamp}") == ("playSecurity", "address_expired")

    async def test_lists(self, api: httpx.AsyncClient):
        await post(api, f"{PATH}/ipLimit", {"blacklist": ["2001:db8::/32"]})
        await post(api, f"{PATH}/refererLimit", {"deny": ["bad.example.com"]})
        url = f"https://{HLS}/live/stream.m3u8"
        assert await reason(api, url, clientIP="2001:db8::1") == ("ipLimit", "ip_denied")
        bad = {"clientIP": "::1", "referer": "http://bad.example.com/"}
        assert await reason(api, url, **bad) == ("refererLimit", "referer_denied")
        assert await reason(api, url, clientIP="::1") == ("", "")

    async def test_publishing_has_no_effects(self, api: httpx.AsyncClient):
        body = {"publishSecurity": "static", "publishKey": "k"}
        await api.post("/v2/hubs/live/security", json=body)
        url = f"rtmp://{PUSH}/live/stream"
        assert await reason(api, url) == ("publishSecurity", "key_missing")
        assert await reason(api, f"{url}?key=k") == ("", "")
        assert await reason(api, "rtmp://127.0.0.1/live/stream?key=k", action="publish") == ("", "")
        assert (await api.get("/v2/hubs/live/streams")).json()["items"] == []
        await api.post("/v2/hubs/live/publish", json={"autoCreate": False})
        assert await reason(api, f"{url}?key=k") == ("autoCreate", "stream_not_found")

    async def test_a_stream_that_somebody_publishes_already(self, api: httpx.AsyncClient, board):
        board.go_live("live", "stream")
        url = f"rtmp://{PUSH}/live/stream"
        assert await reason(api, url) == ("secondPublisher", "already_publishing")
        assert (await explain(api, url, action="play"))["rule"] == "domain"
        await api.post("/v2/hubs/live/publish", json={"secondPublisher": "takeover"})
        assert await reason(api, url) == ("", "")

    async def test_servers_that_would_be_asked_are_named(self, api: httpx.AsyncClient):
        question = {"type": "GET", "url": "https://app.example.com/may", "vars": {"stream": "$(streamKey)"}}
        for domain, setting in ((PUSH, "originAuth"), (PUSH, "connectCallback"), (HLS, "originAuth")):
            await post(api, f"/v2/hubs/live/domains/{domain}/{setting}", question)
        publish = await explain(api, f"rtmp://{PUSH}/live/stream")
        assert publish["allowed"]
        assert [rule["rule"] for rule in publish["rules"] if rule["result"] == "asked"] == [
            "originAuth",
            "connectCallback",
        ]
        play = await explain(api, f"http://{HLS}/live/stream.m3u8")
        assert play["rules"][-1] == {"rule": "originAuth", "result": "asked"}
        refused = await explain(api, f"http://{HLS}/live/stream.flv")
        assert refused["rules"][-1] == {"rule": "originAuth", "result": "not reached"}

    async def test_a_disabled_stream_tells_the_reason(self, api: httpx.AsyncClient):
        await api.post("/v2/hubs/live/streams", json={"key": "stream"})
        ban = {"disabledTill": -1, "reason": "a complaint"}
        await api.post("/v2/hubs/live/streams/c3RyZWFt/disabled", json=ban)
        for url in (f"rtmp://{PUSH}/live/stream", f"http://{HLS}/live/stream.m3u8"):
            found = await explain(api, url)
            assert (found["rule"], found["description"]) == (
                "disabled",
                "the stream is disabled: a complaint",
            )
            assert {"rule": "disabled", "result": "fail"} in found["rules"]

    async def test_addresses_that_lead_nowhere(self, api: httpx.AsyncClient):
        assert await reason(api, f"http://{HLS}/live/stream.flv") == ("domain", "domain_wrong_type")
        assert await reason(api, f"http://{HLS}/live/stream.exe") == ("address", "bad_address")
        assert await reason(api, "rtmp://localhost/live") == ("address", "bad_address")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "url"),
            ({"url": "ftp://a/b"}, "url"),
            ({"url": "http://["}, "url"),
            ({"url": "http://a/live/stream.flv", "action": "publish"}, "url"),
            ({"url": "http://a/other/stream.flv"}, "url"),
            ({"url": "x" * 5000}, "url"),
            ({"url": "http://a/live/stream.flv", "clientIP": "here"}, "clientIP"),
            ({"url": "http://a/live/stream.flv", "action": "look"}, "action"),
        ],
    )
    async def test_nonsense(self, api: httpx.AsyncClient, body: dict, field: str):
        status, text = await post(api, "/v2/hubs/live/explain", body)
        assert status == 400
        assert text.startswith(f"{field}:")

    async def test_of_ones_own_hubs_only(self, strangers_api: httpx.AsyncClient):
        body = {"url": f"http://{HLS}/live/stream.m3u8"}
        assert await post(strangers_api, "/v2/hubs/live/explain", body) == (612, "hub not found")


async def test_areas_are_set_where_they_can_be_known(api: httpx.AsyncClient, geo: GeoFinder, tmp_path: Path):
    limit = {"allow": ["cn"], "deny": ["am"]}
    status, error = await post(api, f"{PATH}/areaLimit", limit)
    assert (status, "OXBOW_GEOIP_CITY_DATABASE" in error) == (400, True)
    write_database(tmp_path / "city.mmdb", {"1.2.0.0/16": SHANGHAI})
    assert geo.refresh()
    assert await post(api, f"{PATH}/areaLimit", limit) == (200, "")
    assert (await api.get(PATH)).json()["areaLimit"] == limit | {"allowUnknown": False}
    status, error = await post(api, f"{PATH}/areaLimit", {"allow": ["mars"]})
    assert (status, "allow" in error and "cn, hk, tw" in error) == (400, True)
    url = f"http://{HLS}/live/stream.m3u8"
    assert await reason(api, url, clientIP="1.2.3.4") == ("", "")
    assert await reason(api, url, clientIP="9.9.9.9") == ("areaLimit", "area_unknown")
