"""Who may pass: requests signed with an enabled key, and nobody else."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import requests
from qiniu import Auth, QiniuMacAuth
from qiniu.auth import QiniuMacRequestsAuth, RequestsAuth
from structlog.testing import capture_logs

from oxbow.testing.signing import QiniuAuth

from .conftest import AK, SK

URL = "http://127.0.0.1:7070/v2/hubs/h"


def date(seconds_ago: float) -> dict[str, str]:
    return {"X-Qiniu-Date": (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y%m%dT%H%M%SZ")}


async def test_a_signed_request_has_a_principal(client):
    response = await client.get("/v2/hubs/h")
    assert response.json() == {"name": "h", "limit": 10, "account": "root", "key": AK}


async def test_qbox_is_as_good(stranger):
    response = await stranger.get("/v2/hubs/h", auth=QiniuAuth(AK, SK, qbox=True))
    assert response.status_code == 200


@pytest.mark.parametrize(
    "auth",
    [
        QiniuMacRequestsAuth(QiniuMacAuth(AK, SK)),
        QiniuMacRequestsAuth(QiniuMacAuth(AK, SK, disable_qiniu_timestamp_signature=True)),
        RequestsAuth(Auth(AK, SK)),
    ],
    ids=["dated", "undated", "QBox"],
)
@pytest.mark.parametrize("url", [URL, f"{URL}?limit=3", f"{URL}%20b?limit=3&x=%2F", f"{URL}?"])
async def test_requests_signed_by_the_official_sdk_pass(stranger, auth, url):
    prepared = requests.Request("GET", url, auth=auth).prepare()
    response = await stranger.get(url, headers=dict(prepared.headers))
    assert response.status_code == 200


REFUSED = {
    "unsigned": ({}, "takes Qiniu or QBox"),
    "malformed": ({"Authorization": "Qiniu nonsense"}, "takes Qiniu or QBox"),
    "another scheme": ({"Authorization": "Basic cm9vdDpyb290"}, "takes Qiniu or QBox"),
    "wrong signature": ({"Authorization": f"Qiniu {AK}:{'A' * 27}="}, "wrong signature"),
    "unknown key": ({"Authorization": f"Qiniu nobody:{'A' * 27}="}, "unknown access key"),
}


@pytest.mark.parametrize(("headers", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_every_refusal_looks_the_same_outside_and_has_its_reason_in_the_log(stranger, headers, reason):
    with capture_logs() as lines:
        response = await stranger.get("/v2/hubs/h", headers=headers)
    assert (response.status_code, response.json()) == (401, {"error": "bad token"})
    (line,) = [line for line in lines if line["event"] == "signature_refused"]
    assert reason in line["reason"]


async def test_two_authorization_headers_are_none(stranger):
    signed = httpx.Request("GET", URL)
    next(QiniuAuth(AK, SK).auth_flow(signed))
    twice = [("Authorization", signed.headers["Authorization"])] * 2
    assert (await stranger.get(URL, headers=twice)).status_code == 401


async def test_a_disabled_key_does_not_sign(api, stranger):
    pair = await api.accounts.create_key(api.root)
    auth = QiniuAuth(pair.access_key, pair.secret_key)
    assert (await stranger.get("/v2/hubs/h", auth=auth)).status_code == 200
    await api.accounts.set_enabled(api.root, pair.access_key, False)
    response = await stranger.get("/v2/hubs/h", auth=auth)
    assert (response.status_code, response.json()) == (401, {"error": "bad token"})


async def test_unknown_paths_are_not_told_to_strangers(stranger):
    assert (await stranger.get("/v2/nowhere")).status_code == 401


@pytest.mark.parametrize("seconds_ago", [0, 800, -800])
async def test_a_date_within_the_tolerance(client, seconds_ago):
    assert (await client.get("/v2/hubs/h", headers=date(seconds_ago))).status_code == 200


@pytest.mark.parametrize("headers", [{"X-Qiniu-Date": "19700101T000000Z"}, date(5000), date(-5000)])
async def test_a_stale_date_is_403(client, headers):
    response = await client.get("/v2/hubs/h", headers=headers)
    assert response.status_code == 403
    assert response.json()["error"].startswith(
        "X-Qiniu-Date: is more than 900 seconds from the server's time"
    )


async def test_a_date_that_is_none_is_403(client):
    response = await client.get("/v2/hubs/h", headers={"X-Qiniu-Date": "yesterday"})
    assert response.status_code == 403
    assert "takes a UTC time such as" in response.json()["error"]


async def test_a_wrong_signature_with_a_stale_date_is_401(stranger):
    headers = {"X-Qiniu-Date": "19700101T000000Z"}
    response = await stranger.get("/v2/hubs/h", auth=QiniuAuth(AK, "wrong"), headers=headers)
    assert response.status_code == 401
