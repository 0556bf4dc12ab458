"""A domain's callbacks over HTTP: what is set is shown, and what cannot be is refused by the field's name."""

import httpx
import pytest

PUSH, FLV = "push.example.com", "flv.example.com"
PATH = f"/v2/hubs/live/domains/{PUSH}"
URL = "https://app.example.com/hook"
CALLBACK = {
    "type": "FORM",
    "url": URL,
    "timeout": 5,
    "vars": {"stream": "$(streamKey)"},
    "retryTimes": 3,
    "retryInterval": 1,
    "successCode": 200,
    "failCode": 403,
}
PLAIN: dict[str, object] = {"type": "GET", "url": URL, "vars": {"a": "b"}}
QUESTION = {
    "type": "JSON",
    "url": URL,
    "timeout": 1,
    "vars": {"stream": "$(streamKey)", "token": "$(_token)"},
    "successCode": 200,
    "field": "ok",
    "value": "true",
    "cacheSeconds": 30,
    "onFailure": "allow",
}


@pytest.fixture(autouse=True)
async def domains(api: httpx.AsyncClient) -> None:
    for name, kind in ((PUSH, "publishRtmp"), (FLV, "liveHdl")):
        answer = await api.post("/v2/hubs/live/newdomains", json={"domain": name, "Type": kind})
        assert answer.status_code == 200


async def post(api: httpx.AsyncClient, path: str, body: object) -> tuple[int, str]:
    answer = await api.post(path, json=body)
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.parametrize("setting", ["connectCallback", "disconnectCallback"])
async def test_a_callback_is_shown_as_it_was_set(api: httpx.AsyncClient, setting: str) -> None:
    assert await post(api, f"{PATH}/{setting}", CALLBACK) == (200, "")
    assert (await api.get(PATH)).json()[setting] == CALLBACK
    assert await post(api, f"{PATH}/{setting}", {"type": ""}) == (200, "")
    assert (await api.get(PATH)).json()[setting]["type"] == ""


async def test_the_delay_is_shown_as_it_was_set(api: httpx.AsyncClient) -> None:
    assert await post(api, f"{PATH}/disconnectDelay", {"disconnectDelay": 30}) == (200, "")
    assert (await api.get(PATH)).json()["disconnectDelay"] == 30


@pytest.mark.parametrize("domain", [PUSH, FLV])
async def test_the_origin_is_shown_as_it_was_set(api: httpx.AsyncClient, domain: str) -> None:
    path = f"/v2/hubs/live/domains/{domain}"
    assert await post(api, f"{path}/originAuth", QUESTION) == (200, "")
    assert (await api.get(path)).json()["originAuth"] == QUESTION


@pytest.mark.parametrize("setting", ["connectCallback", "disconnectCallback", "originAuth"])
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "POST"}, "type"),
        ({"type": None}, "type"),
        ({"url": ""}, "url"),
        ({"url": "ftp://app.example.com/"}, "url"),
        ({"url": "https://app.example.com/a b"}, "url"),
        ({"url": "https://app.example.com/" + "x" * 2048}, "url"),
        ({"url": "https://$(hub)/"}, "url"),
        ({"timeout": 11}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"vars": {}}, "vars"),
        ({"vars": {"a": "$(nope)"}}, "vars"),
        ({"vars": {"a": "x" * 513}}, "vars"),
        ({"vars": {str(number): "x" for number in range(33)}}, "vars"),
        ({"successCode": 1000}, "successCode"),
    ],
)
async def test_requests_that_cannot_be(
    api: httpx.AsyncClient, setting: str, change: dict[str, object], field: str
) -> None:
    status, text = await post(api, f"{PATH}/{setting}", PLAIN | change)
    assert status == 400
    assert text.startswith(field), text


@pytest.mark.parametrize(
    ("setting", "change", "field"),
    [
        ("connectCallback", {"retryTimes": 6}, "retryTimes"),
        ("connectCallback", {"retryInterval": 6}, "retryInterval"),
        ("disconnectCallback", {"failCode": -1}, "failCode"),
        ("originAuth", {"successCode": 0}, "successCode"),
        ("originAuth", {"value": "yes"}, "field"),
        ("originAuth", {"cacheSeconds": 86_401}, "cacheSeconds"),
        ("originAuth", {"onFailure": "ask"}, "onFailure"),
    ],
)
async def test_fields_of_one_setting(
    api: httpx.AsyncClient, setting: str, change: dict[str, object], field: str
) -> None:
    status, text = await post(api, f"{PATH}/{setting}", PLAIN | change)
    assert status == 400
    assert text.startswith(field), text


@pytest.mark.parametrize("delay", [-1, 3601, "soon", None])
async def test_delays_that_cannot_be(api: httpx.AsyncClient, delay: object) -> None:
    status, text = await post(api, f"{PATH}/disconnectDelay", {"disconnectDelay": delay})
    assert status == 400
    assert text.startswith("disconnectDelay"), text


@pytest.mark.parametrize(
    ("setting", "body"),
    [
        ("connectCallback", CALLBACK),
        ("disconnectCallback", CALLBACK),
        ("disconnectDelay", {"disconnectDelay": 30}),
    ],
)
async def test_only_publishers_have_beginnings_and_ends(
    api: httpx.AsyncClient, setting: str, body: dict[str, object]
) -> None:
    status, text = await post(api, f"/v2/hubs/live/domains/{FLV}/{setting}", body)
    assert status == 400
    assert "publish" in text
