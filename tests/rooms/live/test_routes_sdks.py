"""The API as the official clients speak to it: their own signing, and their habits on the wire."""

import httpx
import pytest
import requests
from fastapi import FastAPI
from qiniu.auth import QiniuMacAuth, QiniuMacRequestsAuth

from oxbow.kernel.signing import SignedRequest, sign_qiniu

AK, SK = "root-access-key", "a-secret-key-1234567"
BASE = "http://pili.test:7070"


async def send(app: FastAPI, prepared: requests.PreparedRequest) -> httpx.Response:
    """What requests would put on the wire, given to the app."""
    headers = {"Host": "pili.test:7070", **prepared.headers}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
        return await client.request(
            str(prepared.method), str(prepared.url), content=prepared.body or b"", headers=headers
        )


class TestPythonSdk:
    @pytest.fixture(params=[False, True], ids=["with date", "without date"])
    def auth(self, request: pytest.FixtureRequest) -> QiniuMacRequestsAuth:
        return QiniuMacRequestsAuth(QiniuMacAuth(AK, SK, disable_qiniu_timestamp_signature=request.param))

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/v2/hubs", None),
            ("GET", "/v2/hubs/live/streams?liveonly=true&limit=10", None),
            ("GET", "/v2/hubs/live/streams?", None),
            ("POST", "/v2/hubs/live/streams", {"key": "testkey"}),
            ("POST", "/v2/hubs/live/newdomains", {"domain": "a.example.com", "type": "liveHdl"}),
            ("DELETE", "/v2/hubs/live", None),
        ],
    )
    async def test_its_signatures_are_right(
        self, live_app: FastAPI, auth: QiniuMacRequestsAuth, method: str, path: str, body: dict | None
    ):
        prepared = requests.Request(method, BASE + path, json=body, auth=auth).prepare()
        assert ("X-Qiniu-Date" in prepared.headers) == auth.auth.should_sign_with_timestamp
        answer = await send(live_app, prepared)
        assert answer.status_code == 200, answer.text
        assert isinstance(answer.json(), dict)
        assert answer.headers["X-Reqid"]
        assert answer.headers["X-Log"]

    async def test_a_wrong_secret_is_not_explained(self, live_app: FastAPI):
        auth = QiniuMacRequestsAuth(QiniuMacAuth(AK, "another-secret"))
        answer = await send(live_app, requests.Request("GET", BASE + "/v2/hubs", auth=auth).prepare())
        assert (answer.status_code, answer.json()) == (401, {"error": "bad token"})


class TestGoSdk:
    async def call(self, app: FastAPI, method: str, path: str, body: bytes = b"") -> httpx.Response:
        """A request as github.com/qiniu/go-sdk sends it: a Content-Type always, everything signed."""
        content_type = b"application/json" if body else b"application/x-www-form-urlencoded"
        headers = {
            "Host": "pili.test:7070",
            "Content-Type": content_type.decode(),
            "User-Agent": "QiniuGo/7.27.0 (linux; amd64; pili) go1.22",
        }
        bare, _, query = path.partition("?")
        signed = SignedRequest(
            method, bare.encode(), query.encode(), b"pili.test:7070", content_type, body=body
        )
        headers["Authorization"] = sign_qiniu(signed, AK, SK)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client:
            return await client.request(method, path, content=body, headers=headers)

    async def test_domains(self, live_app: FastAPI):
        bind = await self.call(
            live_app, "POST", "/v2/hubs/live/newdomains", b'{"domain":"a.fake.qiniu.com","Type":"liveHls"}'
        )
        assert (bind.status_code, bind.json()) == (200, {})
        unbind = await self.call(live_app, "DELETE", "/v2/hubs/live/domains/a.fake.qiniu.com", b"{}")
        assert (unbind.status_code, unbind.json()) == (200, {})

    async def test_hub_settings_outside_the_documented_ranges(self, live_app: FastAPI):
        for path, body in (
            ("security", b'{"publishSecurity":"static","publishKey":"qiniu_static_publish_key"}'),
            ("persistence", b'{"storageBucket":"bucket","liveDataExpireDays":30}'),
            ("hlsplus", b'{"hlsPlus":false}'),
        ):
            answer = await self.call(live_app, "POST", f"/v2/hubs/live/{path}", body)
            assert answer.status_code == 200, answer.text

    async def test_streams(self, live_app: FastAPI):
        await self.call(live_app, "POST", "/v2/hubs/live/streams", b'{"key":"test0"}')
        title = "/v2/hubs/live/streams/dGVzdDA="
        for body in (
            b'{"disabledTill":0,"disablePeriodSecond":60}',
            b'{"disabledTill":0,"disablePeriodSecond":0}',
        ):
            assert (await self.call(live_app, "POST", f"{title}/disabled", body)).status_code == 200
        assert (await self.call(live_app, "GET", f"{title}/live")).status_code == 200
        assert (await self.call(live_app, "GET", f"{title}/historyactivity")).json() == {"items": []}
        assert (await self.call(live_app, "GET", "/v2/hubs/live/streams?limit=99999")).status_code == 400
