"""Settings that could not be sent are refused when they are made."""

import pytest

from oxbow.rooms.live.callbacks.settings import (
    DEFAULT_TIMEOUT,
    MAX_VARS,
    ConnectCallback,
    DisconnectDelay,
    OriginAuth,
    check_origin_auth,
    check_request,
)
from oxbow.rooms.live.callbacks.variables import Facts
from oxbow.rooms.live.play_security import RuleError

URL = "https://app.example.com/hook"
VARS = {"stream": "$(streamKey)"}
FACTS = Facts("connect", "live", "one", "push.example.com", "192.0.2.1:4000", 0.0)


@pytest.mark.parametrize(
    ("url", "variables", "field"),
    [
        ("", VARS, "url"),
        ("ftp://app.example.com/", VARS, "url"),
        ("https:///hook", VARS, "url"),
        ("https://user:pw@app.example.com/", VARS, "url"),
        ("https://$(hub).example.com/", VARS, "url"),
        ("https://app.example.com/$(nope)", VARS, "url"),
        (URL, {}, "vars"),
        (URL, {"a": "$(nope)"}, "vars"),
        (URL, {f"v{number}": "x" for number in range(MAX_VARS + 1)}, "vars"),
    ],
)
def test_what_cannot_be_sent(url: str, variables: dict[str, str], field: str) -> None:
    for setting in (ConnectCallback("FORM", url, vars=variables), OriginAuth("FORM", url, vars=variables)):
        with pytest.raises(RuleError) as refused:
            check_request(setting)
        assert refused.value.field == field


def test_what_is_off_may_hold_anything() -> None:
    check_request(ConnectCallback("", "nonsense"))
    check_origin_auth(OriginAuth("", "nonsense"))


@pytest.mark.parametrize(
    ("options", "field"),
    [({"success_code": 0}, "successCode"), ({"value": "yes"}, "field")],
)
def test_an_origin_that_would_let_in_everybody(options: dict[str, object], field: str) -> None:
    with pytest.raises(RuleError) as refused:
        check_origin_auth(OriginAuth("GET", URL, vars=VARS, **options))  # type: ignore[arg-type]
    assert refused.value.field == field
    check_origin_auth(OriginAuth("GET", URL, vars=VARS, success_code=0, field="ok", value="true"))


def test_a_hook_is_the_setting_filled_in() -> None:
    callback = ConnectCallback(
        "JSON",
        URL + "/$(streamTitle)",
        0,
        VARS,
        retry_times=3,
        retry_interval=1,
        success_code=200,
        fail_code=403,
    )
    hook = callback.hook(FACTS)
    assert (hook.method, hook.url, dict(hook.vars)) == ("JSON", f"{URL}/one", {"stream": "live/one"})
    assert hook.timeout == DEFAULT_TIMEOUT
    assert (hook.retry_times, hook.retry_interval, hook.success_code, hook.fail_code) == (3, 1, 200, 403)


def test_nothing_is_active_unless_it_is_set() -> None:
    assert not any(setting.active for setting in (ConnectCallback(), DisconnectDelay(), OriginAuth()))
    assert DisconnectDelay(1).active
