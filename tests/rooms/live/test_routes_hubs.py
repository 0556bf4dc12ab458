"""Hubs and domains over HTTP: the shapes of the pages' examples, and every refusal."""

import httpx
import pytest

NOW = 1_700_000_000


def ok(response: httpx.Response) -> dict:
    assert response.status_code == 200, response.text
    assert response.headers["X-Reqid"]
    return response.json()


def error(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/json"
    assert list(response.json()) == ["error"]
    return response.status_code, response.json()["error"]


async def test_list_and_create(api: httpx.AsyncClient, strangers_api: httpx.AsyncClient, clock):
    clock.now += 1
    assert ok(await api.post("/v2/hubs", json={"name": "testhub"})) == {}
    assert ok(await api.get("/v2/hubs")) == {"items": [{"name": "live"}, {"name": "testhub"}]}
    assert ok(await strangers_api.get("/v2/hubs")) == {"items": []}
    assert error(await strangers_api.post("/v2/hubs", json={"name": "testhub"})) == (
        614,
        "hub already exists",
    )


@pytest.mark.parametrize("name", ["", "-hub", "h/b", "h b", "x" * 64, "hüb", 5, None])
async def test_bad_hub_names(api: httpx.AsyncClient, name: object):
    status, text = error(await api.post("/v2/hubs", json={"name": name}))
    assert status == 400
    assert text.startswith("name: ")


async def test_a_new_hubs_info_has_every_field_of_the_page(api: httpx.AsyncClient):
    info = ok(await api.get("/v2/hubs/live"))
    assert info.pop("playSecurity")["type"] == ""
    assert info == {
        "hubName": "live",
        "createdAt": NOW,
        "updatedAt": NOW,
        "domains": [],
        "defaultDomains": [],
        "storageBucket": "",
        "liveDataExpireDays": 0,
        "publishSecurity": "none",
        "nrop": {"enable": False, "interval": 0, "notifyURL": "", "notifyRate": 0},
        "passiveCodecProfiles": [],
        "converts": [],
        "hlsPlus": False,
        "vodDomain": "",
        "accesslog": {"saveBucket": "", "expireDays": 0},
        "snapshotInterval": -1,
        "boundDomainsOnly": False,
    }


async def test_a_hubs_info_tells_how_addresses_are_signed_and_not_with_what(api: httpx.AsyncClient):
    security = {"type": "tsExpireMD5", "key1": "a-key-of-the-hub"}
    ok(await api.post("/v2/hubs/live/play", json={"boundDomainsOnly": True, "playSecurity": security}))
    info = ok(await api.get("/v2/hubs/live"))
    assert (info["boundDomainsOnly"], info["playSecurity"]["type"]) == (True, "tsExpireMD5")
    assert "a-key-of-the-hub" not in str(info)


async def test_the_publish_key_is_told_to_its_owner_and_nowhere_else(
    api: httpx.AsyncClient, strangers_api: httpx.AsyncClient
):
    key = {"publishSecurity": "expiry", "publishKey": "a-key-of-the-hub"}
    ok(await api.post("/v2/hubs/live/security", json=key))
    assert ok(await api.get("/v2/hubs/live/publishKey")) == key
    assert error(await strangers_api.get("/v2/hubs/live/publishKey")) == (612, "hub not found")
    others = [await api.get(path) for path in ("/v2/hubs", "/v2/hubs/live", "/v2/hubs/live/publish")]
    assert all("a-key-of-the-hub" not in other.text for other in others)


async def test_what_is_set_is_shown(api: httpx.AsyncClient, clock):
    clock.now += 5
    for path, body in {
        "security": {"publishSecurity": "expiry", "publishKey": "12345678"},
        "hlsplus": {"hlsPlus": True},
        "persistence": {"storageBucket": "test1z0", "liveDataExpireDays": 60},
        "snapshot": {"snapshotInterval": 30},
        "voddomain": {"vodDomain": "pili-vod.testhub.cloudvdn.com"},
    }.items():
        assert ok(await api.post(f"/v2/hubs/live/{path}", json=body)) == {}
    info = ok(await api.get("/v2/hubs/live"))
    shown = {
        "publishSecurity": "expiry",
        "hlsPlus": True,
        "storageBucket": "test1z0",
        "liveDataExpireDays": 60,
        "snapshotInterval": 30,
        "vodDomain": "pili-vod.testhub.cloudvdn.com",
        "updatedAt": NOW + 5,
    }
    assert {name: info[name] for name in shown} == shown


async def test_domains_in_the_info(api: httpx.AsyncClient, clock):
    for name, type_ in [
        ("a.example.com", "liveRtmp"),
        ("b.example.com", "publishRtmp"),
        ("c.example.com", "liveRtmp"),
    ]:
        clock.now += 1
        await api.post("/v2/hubs/live/newdomains", json={"domain": name, "Type": type_})
    info = ok(await api.get("/v2/hubs/live"))
    assert info["domains"][0] == {
        "type": "liveRtmp",
        "domain": "a.example.com",
        "cname": "a.example.com.live-rtmp.oxbow.internal",
    }
    assert info["defaultDomains"] == [
        {"type": "liveRtmp", "domain": "a.example.com"},
        {"type": "publishRtmp", "domain": "b.example.com"},
    ]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("security", {"publishSecurity": "md5", "publishKey": "k"}, "publishSecurity"),
        ("security", {"publishKey": "k"}, "publishSecurity"),
        ("security", {"publishSecurity": "static"}, "publishKey"),
        ("security", {"publishSecurity": "static", "publishKey": "two words"}, "publishKey"),
        ("security", {"publishSecurity": "static", "publishKey": "k" * 129}, "publishKey"),
        ("security", {"publishSecurity": "none", "surprise": 1}, "surprise"),
        ("hlsplus", {"hlsPlus": "true"}, "hlsPlus"),
        ("hlsplus", {}, "hlsPlus"),
        ("persistence", {"storageBucket": "b", "liveDataExpireDays": 0}, "liveDataExpireDays"),
        ("persistence", {"storageBucket": "b", "liveDataExpireDays": 1096}, "liveDataExpireDays"),
        ("persistence", {"storageBucket": "b", "liveDataExpireDays": True}, "liveDataExpireDays"),
        ("snapshot", {"snapshotInterval": 0}, "snapshotInterval"),
        ("snapshot", {"snapshotInterval": 1.5}, "snapshotInterval"),
        ("voddomain", {"vodDomain": "http://vod.example.com"}, "vodDomain"),
        ("publish", {}, "autoCreate"),
        ("publish", {"secondPublisher": "queue"}, "secondPublisher"),
        ("publish", {"graceSeconds": -0.5}, "graceSeconds"),
        ("publish", {"graceSeconds": 601}, "graceSeconds"),
        ("newdomains", {"domain": "a.example.com", "type": "webrtc"}, "type"),
    ],
)
async def test_bad_bodies_name_the_field(api: httpx.AsyncClient, path: str, body: dict, field: str):
    status, text = error(await api.post(f"/v2/hubs/live/{path}", json=body))
    assert status == 400
    assert field in text


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'"x"', b"[" * 100_000])
async def test_bodies_that_are_no_object(api: httpx.AsyncClient, body: bytes):
    assert error(await api.post("/v2/hubs/live/hlsplus", content=body))[0] == 400


async def test_how_a_hub_treats_publishers(api: httpx.AsyncClient):
    defaults = {"autoCreate": True, "secondPublisher": "refuse", "graceSeconds": 10.0}
    assert ok(await api.get("/v2/hubs/live/publish")) == defaults
    changes = {"autoCreate": False, "secondPublisher": "takeover", "graceSeconds": 0}
    assert ok(await api.post("/v2/hubs/live/publish", json=changes)) == {}
    assert ok(await api.get("/v2/hubs/live/publish")) == changes
    await api.post("/v2/hubs/live/publish", json={"graceSeconds": -1, "autoCreate": True})
    assert ok(await api.get("/v2/hubs/live/publish")) == defaults | {"secondPublisher": "takeover"}


async def test_delete(api: httpx.AsyncClient, board):
    board.go_live("live", "stream")
    assert error(await api.delete("/v2/hubs/live"))[0] == 409
    board.remove("live", "stream", "live/stream")
    assert ok(await api.delete("/v2/hubs/live")) == {}
    assert error(await api.get("/v2/hubs/live")) == (612, "hub not found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/security", {"publishSecurity": "none"}),
        ("POST", "/hlsplus", {"hlsPlus": False}),
        ("POST", "/persistence", {"storageBucket": "b", "liveDataExpireDays": 30}),
        ("POST", "/snapshot", {"snapshotInterval": -1}),
        ("POST", "/voddomain", {"vodDomain": ""}),
        ("GET", "/publish", None),
        ("POST", "/publish", {"autoCreate": True}),
        ("GET", "/domains", None),
        ("GET", "/domains/a.example.com", None),
        ("POST", "/newdomains", {"domain": "a.example.com", "type": "liveHls"}),
        ("POST", "/streams", {"key": "stream"}),
        ("GET", "/streams", None),
        ("GET", "/streams?liveonly=true", None),
        ("GET", "/streams/c3RyZWFt", None),
        ("DELETE", "/streams/c3RyZWFt", None),
        ("POST", "/streams/c3RyZWFt/security", {"publishSecurity": ""}),
        ("POST", "/streams/c3RyZWFt/disabled", {"disabledTill": -1}),
        ("GET", "/streams/c3RyZWFt/live", None),
        ("POST", "/livestreams", {"items": ["stream"]}),
        ("GET", "/streams/c3RyZWFt/historyactivity", None),
    ],
)
async def test_an_unknown_hub_and_another_accounts_are_alike(
    api: httpx.AsyncClient, strangers_api: httpx.AsyncClient, method: str, path: str, body: dict | None
):
    for client, hub in ((api, "nowhere"), (strangers_api, "live")):
        answer = await client.request(method, f"/v2/hubs/{hub}{path}", json=body)
        assert error(answer) == (612, "hub not found")


class TestDomains:
    async def test_bind_list_info_unbind(self, api: httpx.AsyncClient):
        body = {"domain": "Pili-Publish.test.com", "Type": "publishRtmp"}
        assert ok(await api.post("/v2/hubs/live/newdomains", json=body)) == {}
        cname = "pili-publish.test.com.publish.oxbow.internal"
        assert ok(await api.get("/v2/hubs/live/domains")) == {
            "domains": [
                {
                    "type": "publishRtmp",
                    "domain": "pili-publish.test.com",
                    "cname": cname,
                    "certEnable": False,
                    "certName": "",
                }
            ]
        }
        callback = {
            "type": "",
            "url": "",
            "timeout": 0,
            "vars": None,
            "retryTimes": 0,
            "retryInterval": 0,
            "successCode": 0,
            "failCode": 0,
        }
        assert ok(await api.get("/v2/hubs/live/domains/pili-publish.test.com")) == {
            "domain": "pili-publish.test.com",
            "type": "publishRtmp",
            "cname": cname,
            "connectCallback": callback,
            "disconnectCallback": callback,
            "ipLimit": {"whitelist": [], "blacklist": []},
            "playSecurity": {
                "type": "",
                "key1": "",
                "key2": "",
                "range": 0,
                "rule": "",
                "rule2": "",
                "tsPart": "",
                "tsBase": 0,
                "signPart": "",
                "gapDuration": 0,
            },
            "refererLimit": {"allow": [], "deny": [], "allowEmpty": True},
            "areaLimit": {"allow": [], "deny": [], "allowUnknown": False},
            "disconnectDelay": 0,
            "originAuth": {
                "type": "",
                "url": "",
                "timeout": 0,
                "vars": {},
                "successCode": 200,
                "field": "",
                "value": "",
                "cacheSeconds": 0,
                "onFailure": "refuse",
            },
            "urlRewrite": {"rules": []},
            "certEnable": False,
            "certName": "",
            "disable": False,
            "certificate": None,
        }
        unbound = await api.request("DELETE", "/v2/hubs/live/domains/PILI-publish.test.com", json={})
        assert ok(unbound) == {}
        assert ok(await api.get("/v2/hubs/live/domains")) == {"domains": []}

    async def test_the_texts_that_clients_compare(self, api: httpx.AsyncClient):
        async def bind(domain: str, hub: str = "live") -> tuple[int, str]:
            return error(
                await api.post(f"/v2/hubs/{hub}/newdomains", json={"domain": domain, "type": "liveHls"})
            )

        await api.post("/v2/hubs/live/newdomains", json={"domain": "a.example.com", "type": "liveHls"})
        assert await bind("a.example.com") == (614, "domain confict")
        assert await bind("b.example.com", hub="nowhere") == (612, "hub not found")
        for domain in (
            "notdomain",
            "",
            "a..b",
            "-a.example.com",
            "192.0.2.1",
            "a.example.com:80",
            "a." * 127 + "com",
        ):
            assert await bind(domain) == (400, "invalid domain")
        for domain in ("www.qiniu.com", "%00", "x" * 9000):
            assert error(await api.get(f"/v2/hubs/live/domains/{domain}")) == (612, "no such domain")
        for hub in ("live", "nowhere"):
            assert error(await api.delete(f"/v2/hubs/{hub}/domains/unknown.example.com")) == (
                612,
                "not found",
            )

    async def test_another_accounts_domain(self, api: httpx.AsyncClient, strangers_api: httpx.AsyncClient):
        await strangers_api.post("/v2/hubs", json={"name": "theirs"})
        body = {"domain": "a.example.com", "type": "liveHls"}
        await strangers_api.post("/v2/hubs/theirs/newdomains", json=body)
        assert error(await api.post("/v2/hubs/live/newdomains", json=body)) == (614, "domain confict")
        assert error(await api.delete("/v2/hubs/theirs/domains/a.example.com")) == (612, "not found")
        assert error(await api.get("/v2/hubs/live/domains/a.example.com")) == (612, "no such domain")

    async def test_the_limit(self, api: httpx.AsyncClient):
        answers = [
            await api.post(
                "/v2/hubs/live/newdomains", json={"domain": f"d{n}.example.com", "type": "liveHdl"}
            )
            for n in range(21)
        ]
        assert [answer.status_code for answer in answers] == [200] * 20 + [403]
        assert error(answers[-1]) == (403, "too many domains: the limit is 20")
