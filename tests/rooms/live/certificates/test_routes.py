"""Certificates over HTTP: uploaded as the official clients do, shown without their keys, given to domains."""

from __future__ import annotations

import httpx
import pytest

from authority import Authority, Issued
from oxbow.rooms.live.service import LiveService

DAY = 86_400
NOWHERE = "0" * 24


@pytest.fixture
def authority(clock) -> Authority:
    return Authority(clock.now)


@pytest.fixture
def issued(authority: Authority) -> Issued:
    return authority.issue("flv.example.com", "*.live.example.com")


def body(authority: Authority, issued: Issued, **changes: str) -> dict[str, str]:
    return {
        "name": "mine",
        "common_name": "flv.example.com",
        "pri": issued.key_pem,
        "ca": authority.chain(issued),
    } | changes


@pytest.fixture
async def cert_id(api: httpx.AsyncClient, authority: Authority, issued: Issued) -> str:
    answer = await api.post("/sslcert", json=body(authority, issued))
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["certID"]
    return answer.json()["certID"]


@pytest.fixture
async def domain(api: httpx.AsyncClient) -> str:
    for name, type_ in (("flv.example.com", "liveHdl"), ("rtmp.example.com", "liveRtmp")):
        await api.post("/v2/hubs/live/newdomains", json={"domain": name, "type": type_})
    return "/v2/hubs/live/domains/flv.example.com"


async def test_it_is_shown_without_its_key(api: httpx.AsyncClient, cert_id: str, issued: Issued, clock):
    listed = (await api.get("/sslcert")).json()
    shown = await api.get(f"/sslcert/{cert_id}")
    cert = shown.json()["cert"]
    assert listed == {
        "code": 200,
        "error": "",
        "marker": "",
        "certs": [{field: value for field, value in cert.items() if field not in ("ca", "pri")}],
    }
    assert cert["dnsnames"] == ["flv.example.com", "*.live.example.com"]
    assert (cert["not_after"], cert["daysLeft"], cert["state"]) == (int(clock.now) + 90 * DAY, 90, "valid")
    assert cert["pri"] == ""
    assert "PRIVATE" not in shown.text


async def test_the_same_files_are_one_certificate(
    api: httpx.AsyncClient, cert_id: str, authority: Authority, issued: Issued
):
    again = await api.post("/sslcert", json=body(authority, issued, name="another name"))
    assert again.json() == {"certID": cert_id}


async def test_both_spellings_of_the_pages_are_taken(
    api: httpx.AsyncClient, authority: Authority, issued: Issued
):
    fields = body(authority, issued)
    fields["commonName"] = fields.pop("common_name")
    assert (await api.post("/sslcert", json=fields)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ca": "nonsense"}, "ca"),
        ({"pri": "nonsense"}, "pri"),
        ({"common_name": "www.example.org"}, "common_name"),
        ({"name": "x" * 256}, "name"),
    ],
)
async def test_a_bad_field_is_named(
    api: httpx.AsyncClient, authority: Authority, issued: Issued, changes: dict[str, str], field: str
):
    answer = await api.post("/sslcert", json=body(authority, issued, **changes))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{field}: ")


async def test_a_domain_shows_it_and_workers_get_it(
    api: httpx.AsyncClient, cert_id: str, domain: str, issued: Issued, service: LiveService, clock
):
    assert (await api.post(f"{domain}/cert", json={"certName": cert_id})).json() == {}
    info = (await api.get(domain)).json()
    assert (info["certEnable"], info["certName"]) == (True, cert_id)
    assert info["certificate"]["daysLeft"] == 90
    assert (await api.get("/v2/hubs/live/domains")).json()["domains"][0]["certName"] == cert_id
    served = (await service.snapshot()).certificates
    assert list(served) == ["flv.example.com"]
    assert served["flv.example.com"].key_pem == issued.key_pem
    clock.now += 80 * DAY
    assert (await api.get(domain)).json()["certificate"]["state"] == "expiring"
    clock.now += 11 * DAY
    assert (await api.get(domain)).json()["certificate"]["state"] == "expired"


async def test_it_stays_while_a_domain_shows_it(api: httpx.AsyncClient, cert_id: str, domain: str):
    await api.post(f"{domain}/cert", json={"certName": cert_id})
    refused = await api.delete(f"/sslcert/{cert_id}")
    assert (refused.status_code, "flv.example.com" in refused.json()["error"]) == (409, True)
    await api.post(f"{domain}/cert", json={"certName": ""})
    assert (await api.get(domain)).json()["certificate"] is None
    assert (await api.delete(f"/sslcert/{cert_id}")).json() == {}
    assert (await api.get(f"/sslcert/{cert_id}")).status_code == 404


async def test_a_domain_takes_only_what_is_for_it(api: httpx.AsyncClient, cert_id: str, domain: str):
    other = "/v2/hubs/live/domains/rtmp.example.com/cert"
    for path, name, text in (
        (other, cert_id, "certName: the certificate is for flv.example.com"),
        (other, NOWHERE, "certName: is no certificate's certID"),
        (other, "../etc", "certName: is no certificate's certID"),
    ):
        refused = await api.post(path, json={"certName": name})
        assert refused.status_code == 400
        assert refused.json()["error"].startswith(text)
    nobody = await api.post("/v2/hubs/live/domains/nobody.example.com/cert", json={"certName": cert_id})
    assert (nobody.status_code, nobody.json()) == (612, {"error": "no such domain"})


async def test_a_strangers_certificate_is_not_there(
    api: httpx.AsyncClient, strangers_api: httpx.AsyncClient, cert_id: str
):
    assert (await strangers_api.get(f"/sslcert/{cert_id}")).status_code == 404
    assert (await strangers_api.delete(f"/sslcert/{cert_id}")).status_code == 404
    assert (await strangers_api.get("/sslcert")).json()["certs"] == []


async def test_lists_have_pages(api: httpx.AsyncClient, authority: Authority, clock):
    for number in range(3):
        clock.now += 1
        issued = authority.issue(f"d{number}.example.com")
        await api.post("/sslcert", json=body(authority, issued, name="", common_name=""))
    first = (await api.get("/sslcert", params={"limit": 2})).json()
    rest = (await api.get("/sslcert", params={"limit": 2, "marker": first["marker"]})).json()
    names = [cert["name"] for cert in first["certs"] + rest["certs"]]
    assert names == ["d0.example.com", "d1.example.com", "d2.example.com"]
    assert rest["marker"] == ""
