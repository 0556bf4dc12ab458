"""Callbacks are signed so that the official SDK's own check accepts them, and nothing else."""

import pytest
import qiniu

from oxbow.kernel.outbound import OutboundRefused
from oxbow.kernel.webhooks import Hook
from oxbow.kernel.webhooks.request import HookRequest, hook_request

from .conftest import PAIR

VARS = {"stream": "live/one", "note": "a b&c=d", "中文": "直播"}
URL = "https://app.example:8443/hooks/live?room=7"


def accepted(request: HookRequest, secret_key: str = PAIR.secret_key, body: str | None = None) -> bool:
    """What the Python SDK says."""
    auth = qiniu.Auth(PAIR.access_key, secret_key)
    return auth.verify_callback(
        request.headers["authorization"],
        request.url,
        request.content.decode() if body is None else body,
        request.headers.get("content-type", ""),
        method=request.method,
        headers={"Host": "app.example:8443"},
    )


@pytest.mark.parametrize("method", ["GET", "FORM", "JSON"])
def test_the_official_sdk_accepts_the_signature(method: str) -> None:
    request = hook_request(Hook(method, URL, VARS), PAIR)  # type: ignore[arg-type]
    assert accepted(request)
    assert not accepted(request, secret_key="another")


@pytest.mark.parametrize("method", ["FORM", "JSON"])
def test_the_body_is_signed(method: str) -> None:
    request = hook_request(Hook(method, URL, VARS), PAIR)  # type: ignore[arg-type]
    assert not accepted(request, body=request.content.decode().replace("one", "two"))


def test_where_the_variables_go() -> None:
    get, form, json = (
        hook_request(Hook(method, URL, {"a": "b c"}), None) for method in ("GET", "FORM", "JSON")
    )
    assert (get.method, get.url, get.content, get.headers) == ("GET", URL + "&a=b+c", b"", {})
    assert (form.method, form.url, form.content) == ("POST", URL, b"a=b+c")
    assert form.headers == {"content-type": "application/x-www-form-urlencoded"}
    assert (json.method, json.url, json.content) == ("POST", URL, b'{"a": "b c"}')
    assert json.headers == {"content-type": "application/json"}


def test_a_url_that_no_request_may_have() -> None:
    with pytest.raises(OutboundRefused):
        hook_request(Hook("GET", "http://user:password@app.example/", {}), PAIR)
