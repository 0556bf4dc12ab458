"""Signatures: what the official SDK signs is what we verify, and the other way round."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from qiniu.auth import Auth, QiniuMacAuth, QiniuMacRequestsAuth, RequestsAuth

from oxbow.kernel.signing import (
    FORM,
    BadAuthorization,
    SignedRequest,
    parse_authorization,
    sign_qbox,
    sign_qiniu,
    signed_date,
    verify,
)

AK, SK = "MY_ACCESS_KEY", "MY_SECRET_KEY"
URL = "http://127.0.0.1:7070"


def received(prepared: requests.PreparedRequest) -> SignedRequest:
    """What a server would see of a request that the SDK is about to send."""
    path, _, query = prepared.path_url.partition("?")
    headers = [(name.lower().encode(), value.encode()) for name, value in prepared.headers.items()]
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else body
    return SignedRequest.of_headers(
        prepared.method, path.encode(), query.encode(), [(b"host", b"127.0.0.1:7070"), *headers], body
    )


def is_right(authorization: str, request: SignedRequest, secret_key: str = SK) -> bool:
    return verify(parse_authorization(authorization), request, secret_key)


def test_the_documented_example_of_qbox():
    """https://developer.qiniu.com/kodo/1201/access-token"""
    path = b"/move/bmV3ZG9jczpmaW5kX21hbi50eHQ=/bmV3ZG9jczpmaW5kLm1hbi50eHQ="
    assert sign_qbox(SignedRequest("POST", path), AK, SK) == f"QBox {AK}:FXsYh0wKHYPEsIAgdPD9OfjkeEM="


def test_the_documented_text_of_qiniu():
    """https://developer.qiniu.com/pili, "请求鉴权", step by step"""
    request = SignedRequest(
        "GET",
        b"/v2/hubs/PiliSDKTest/streams/Y2FydGVyMjAwMA==",
        host=b"pili.qiniuapi.com",
        content_type=FORM,
    )
    text = (
        "GET /v2/hubs/PiliSDKTest/streams/Y2FydGVyMjAwMA==\nHost: pili.qiniuapi.com\n"
        "Content-Type: application/x-www-form-urlencoded\n\n"
    )
    assert sign_qiniu(request, AK, SK) == f"Qiniu {Auth(AK, SK).token(text)}"


REQUESTS = [
    requests.Request("GET", f"{URL}/v2/hubs"),
    requests.Request("GET", f"{URL}/v2/hubs/h/streams", params={"prefix": "a b/ü", "limit": 2}),
    requests.Request("GET", f"{URL}/statd/upflow?%24hub=h&begin=1"),
    requests.Request("POST", f"{URL}/v2/hubs", json={"name": "直播"}),
    requests.Request("POST", f"{URL}/buckets"),
    requests.Request("POST", f"{URL}/batch", data={"op": ["stat/a", "stat/b"]}),
    requests.Request(
        "POST", f"{URL}/x", data=b"\x00\xff", headers={"Content-Type": "application/octet-stream"}
    ),
    requests.Request("DELETE", f"{URL}/v2/hubs/h/domains/d", json={}),
    requests.Request("PUT", f"{URL}/a%20b/%E7%9B%B4"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r.method} {r.url}")
@pytest.mark.parametrize("dated", [True, False])
def test_qiniu_requests_of_the_official_sdk(request_, dated):
    request_.auth = QiniuMacRequestsAuth(QiniuMacAuth(AK, SK, disable_qiniu_timestamp_signature=not dated))
    prepared = request_.prepare()
    request = received(prepared)
    assert is_right(prepared.headers["Authorization"], request)
    assert not is_right(prepared.headers["Authorization"], request, "another secret")
    assert (signed_date(request) is not None) == dated


@pytest.mark.parametrize("request_", REQUESTS[:3] + REQUESTS[4:6], ids=lambda r: f"{r.method} {r.url}")
def test_qbox_requests_of_the_official_sdk(request_):
    request_.auth = RequestsAuth(Auth(AK, SK))
    prepared = request_.prepare()
    assert is_right(prepared.headers["Authorization"], received(prepared))


def test_qbox_does_not_sign_other_bodies():
    signed = SignedRequest("POST", b"/v2/tune/refresh", content_type=b"application/json", body=b"{}")
    sent = SignedRequest("POST", b"/v2/tune/refresh", content_type=b"application/json", body=b'{"urls": []}')
    assert is_right(sign_qbox(signed, AK, SK), sent)


@pytest.mark.parametrize("content_type", [FORM, b"application/json", b"application/octet-stream", b""])
def test_the_official_sdk_verifies_what_we_sign(content_type):
    """Callbacks are signed by the server and verified by the customer's SDK."""
    headers = {"Host": "app.example.com", "X-Qiniu-Date": "20260101T000000Z", "X-Qiniu-Ab": "1"}
    lower = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    lower.append((b"content-type", content_type))
    request = SignedRequest.of_headers("POST", b"/cb", b"a=1", lower, b"key=1")
    for authorization in (sign_qiniu(request, AK, SK), sign_qbox(request, AK, SK)):
        assert Auth(AK, SK).verify_callback(
            authorization,
            "http://app.example.com/cb?a=1",
            "key=1",
            content_type.decode(),
            method="POST",
            headers=headers,
        )


def test_the_go_sdk_signs_the_decoded_path():
    decoded = SignedRequest("GET", "/v2/hubs/直播 1".encode(), host=b"h")
    sent = SignedRequest("GET", b"/v2/hubs/%E7%9B%B4%E6%92%AD%201", host=b"h")
    assert is_right(sign_qiniu(decoded, AK, SK), sent)


@pytest.mark.parametrize("signed_path", [b"/streams", b"/streams?"])
def test_an_empty_query_may_be_signed_with_its_question_mark(signed_path):
    assert is_right(sign_qiniu(SignedRequest("GET", signed_path), AK, SK), SignedRequest("GET", b"/streams"))


def test_of_a_repeated_header_the_first_counts():
    headers = [(b"x-qiniu-date", b"20260101T000000Z"), (b"x-qiniu-date", b"20300101T000000Z")]
    request = SignedRequest.of_headers("GET", b"/", b"", headers, b"")
    assert signed_date(request) == datetime(2026, 1, 1, tzinfo=UTC)


BASE = SignedRequest("POST", b"/p", b"q=1", b"h:1", b"text/plain", {b"x-qiniu-date": b"d"}, b"body")


@pytest.mark.parametrize(
    "changed",
    [
        SignedRequest("PUT", b"/p", b"q=1", b"h:1", b"text/plain", {b"x-qiniu-date": b"d"}, b"body"),
        SignedRequest("POST", b"/P", b"q=1", b"h:1", b"text/plain", {b"x-qiniu-date": b"d"}, b"body"),
        SignedRequest("POST", b"/p", b"q=2", b"h:1", b"text/plain", {b"x-qiniu-date": b"d"}, b"body"),
        SignedRequest("POST", b"/p", b"q=1", b"h", b"text/plain", {b"x-qiniu-date": b"d"}, b"body"),
        SignedRequest("POST", b"/p", b"q=1", b"h:1", b"text/html", {b"x-qiniu-date": b"d"}, b"body"),
        SignedRequest("POST", b"/p", b"q=1", b"h:1", b"text/plain", {b"x-qiniu-date": b"e"}, b"body"),
        SignedRequest("POST", b"/p", b"q=1", b"h:1", b"text/plain", {}, b"body"),
        SignedRequest("POST", b"/p", b"q=1", b"h:1", b"text/plain", {b"x-qiniu-date": b"d"}, b"body2"),
    ],
)
def test_qiniu_covers_every_part_of_the_request(changed):
    authorization = sign_qiniu(BASE, AK, SK)
    assert is_right(authorization, BASE)
    assert not is_right(authorization, changed)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Qiniu",
        "Qiniu :",
        "Qiniu ak",
        f"qiniu ak:{'A' * 27}=",
        f"Basic ak:{'A' * 27}=",
        f"Qiniu ak:{'A' * 28}",
        f"Qiniu ak:{'A' * 26}+=",
        f"Qiniu {'a' * 65}:{'A' * 27}=",
        f"Qiniu ak:{'A' * 27}=\n",
        "Qiniu ak:ü",
    ],
)
def test_what_is_no_authorization(header):
    with pytest.raises(BadAuthorization):
        parse_authorization(header)


@given(st.text())
def test_any_text_is_either_parsed_or_refused(text):
    for header in (text, f"Qiniu {text}", f"QBox a:{text}"):
        with suppress(BadAuthorization):
            assert parse_authorization(header).access_key


@pytest.mark.parametrize(
    "value", [b"", b"2026-01-01T00:00:00Z", b"20261301T000000Z", b"\xff" * 16, b"1" * 999]
)
def test_what_is_no_date(value):
    with pytest.raises(ValueError, match=r"time data|does not match"):
        signed_date(SignedRequest("GET", b"/", qiniu_headers={b"x-qiniu-date": value}))
