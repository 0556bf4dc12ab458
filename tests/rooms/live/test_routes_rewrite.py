"""Rewrite rules and what hubs ask of whoever plays, over HTTP."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import httpx
import pytest

FLV, PUSH, BARE = "flv.example.com", "push.example.com", "http://127.0.0.1/live/stream.flv"
DOMAINS = "/v2/hubs/live/domains"
RULES = [{"pattern": "(.+)/show/(.+)[.]flv", "replace": "${1}/live/${2}.flv"}]


@pytest.fixture(autouse=True)
async def domains(api: httpx.AsyncClient) -> None:
    for domain, kind in ((FLV, "liveHdl"), (PUSH, "publishRtmp")):
        await api.post("/v2/hubs/live/newdomains", json={"domain": domain, "type": kind})


async def explain(api: httpx.AsyncClient, url: str, **fields: str) -> dict[str, Any]:
    answer = await api.post("/v2/hubs/live/explain", json={"url": url, **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestRewrite:
    """POST .../urlrewrite, as the dialect documents it."""

    async def test_what_is_set_is_shown_and_counts(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(f"{DOMAINS}/{FLV}/urlrewrite", json={"rules": RULES})
        assert (answer.status_code, answer.json()) == (200, {})
        assert (await api.get(f"{DOMAINS}/{FLV}")).json()["urlRewrite"] == {"rules": RULES}
        found = await explain(api, f"http://{FLV}/show/stream.flv?a=b")
        assert found["allowed"]
        assert found["rewritten"] == f"http://{FLV}/live/stream.flv?a=b"
        assert found["stream"] == "stream"
        assert (await explain(api, f"http://{FLV}/live/stream.flv"))["rewritten"] == ""

    async def test_it_counts_for_publishing_too(self, api: httpx.AsyncClient) -> None:
        rules = [{"pattern": "/show/", "replace": "/live/"}]
        await api.post(f"{DOMAINS}/{PUSH}/urlrewrite", json={"Rules": rules})
        found = await explain(api, f"rtmp://{PUSH}/show/stream?key=x")
        assert (found["action"], found["allowed"], found["stream"]) == ("publish", True, "stream")

    async def test_an_empty_list_takes_the_rules_away(self, api: httpx.AsyncClient) -> None:
        await api.post(f"{DOMAINS}/{FLV}/urlrewrite", json={"rules": RULES})
        await api.post(f"{DOMAINS}/{FLV}/urlrewrite", json={"rules": []})
        assert (await api.get(f"{DOMAINS}/{FLV}")).json()["urlRewrite"] == {"rules": []}

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "rules"),
            ({"rules": [{"pattern": "("}]}, "rules[0].replace"),
            ({"rules": [*RULES, {"pattern": "(", "replace": "x"}]}, "rules[1].pattern"),
            ({"rules": [{"pattern": "a", "replace": "${1}"}]}, "rules[0].replace"),
            ({"rules": RULES * 17}, "rules"),
        ],
    )
    async def test_a_bad_rule_is_named(
        self, api: httpx.AsyncClient, body: dict[str, Any], field: str
    ) -> None:
        answer = await api.post(f"{DOMAINS}/{FLV}/urlrewrite", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(field), answer.text

    async def test_nobody_is_led_to_another_hub_or_to_nothing(self, api: httpx.AsyncClient) -> None:
        await api.post("/v2/hubs", json={"name": "other"})
        for replace, reason in (("/other/stream.flv", "domain_not_bound"), ("nowhere", "rewrite_invalid")):
            rules = [{"pattern": "http://[^/]+/show/.*", "replace": replace.replace("/o", f"http://{FLV}/o")}]
            await api.post(f"{DOMAINS}/{FLV}/urlrewrite", json={"rules": rules})
            hub = "other" if "other" in replace else "live"
            answer = await api.post(f"/v2/hubs/{hub}/explain", json={"url": f"http://{FLV}/show/x.flv"})
            assert answer.json()["reason"] == reason


class TestHubPlay:
    """GET and POST /v2/hubs/{hub}/play, an extension."""

    SECURITY: ClassVar = {"type": "tsExpireMD5", "key1": "hub-key"}

    async def test_without_a_bound_domain_nothing_is_reached(self, api: httpx.AsyncClient) -> None:
        assert (await explain(api, BARE))["allowed"]
        answer = await api.post("/v2/hubs/live/play", json={"boundDomainsOnly": True})
        assert (answer.status_code, answer.json()) == (200, {})
        shown = (await api.get("/v2/hubs/live/play")).json()
        assert (shown["boundDomainsOnly"], shown["playSecurity"]["type"]) == (True, "")
        for url, action in ((BARE, "play"), ("rtmp://127.0.0.1/live/stream", "publish")):
            found = await explain(api, url, action=action)
            assert (found["reason"], found["rule"]) == ("domain_required", "domain")
        assert (await explain(api, f"http://{FLV}/live/stream.flv"))["allowed"]
        assert (await explain(api, f"rtmp://{PUSH}/live/stream"))["allowed"]

    async def test_domains_without_a_setting_have_the_hubs(self, api: httpx.AsyncClient) -> None:
        url = f"http://{FLV}/live/stream.flv"
        await api.post("/v2/hubs/live/play", json={"playSecurity": self.SECURITY})
        assert (await explain(api, url))["reason"] == "sign_missing"
        sign = hashlib.md5(b"hub-key/live/stream.flvffffffff").hexdigest()
        assert (await explain(api, f"{url}?sign={sign}&t=ffffffff"))["allowed"]
        await api.post(f"{DOMAINS}/{FLV}/playSecurity", json={"type": "none"})
        assert (await explain(api, url))["allowed"]
        assert (await api.get("/v2/hubs/live/play")).json()["playSecurity"]["key1"] == "hub-key"

    async def test_one_setting_leaves_the_other(self, api: httpx.AsyncClient) -> None:
        await api.post("/v2/hubs/live/play", json={"boundDomainsOnly": True})
        await api.post("/v2/hubs/live/play", json={"playSecurity": self.SECURITY})
        shown = (await api.get("/v2/hubs/live/play")).json()
        assert (shown["boundDomainsOnly"], shown["playSecurity"]["type"]) == (True, "tsExpireMD5")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "boundDomainsOnly"),
            ({"boundDomainsOnly": "yes"}, "boundDomainsOnly"),
            ({"playSecurity": {"type": "tsExpireMD5"}}, "playSecurity.key1"),
            ({"playSecurity": {"type": "md5"}}, "playSecurity.type"),
        ],
    )
    async def test_what_cannot_work_names_its_field(
        self, api: httpx.AsyncClient, body: dict[str, Any], field: str
    ) -> None:
        answer = await api.post("/v2/hubs/live/play", json=body)
        assert answer.status_code == 400
        assert field in answer.json()["error"]
