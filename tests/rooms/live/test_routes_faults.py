"""Nonsense over HTTP: each route that takes a body, each way to write a stream's name, each list of a domain.

The routes are walked, so that a new one is tested without anybody thinking of it.
"""

from __future__ import annotations

import base64
import inspect
from collections.abc import Iterator
from unittest.mock import MagicMock

import httpx
import pytest
from fastapi.routing import APIRoute

from oxbow.kernel.gateway import JsonBody
from oxbow.rooms.live.routes import live_routers
from oxbow.rooms.live.settings import LiveSettings

STREAM, FLV = "stream", "flv.example.com"
STREAMS, DOMAIN = "/v2/hubs/live/streams", f"/v2/hubs/live/domains/{FLV}"
WITHOUT_BODY = {"disable_domain", "enable_domain", "check_domain_cname", "order_domain_certificate"}
NONSENSE = [[]]
"""No field takes a list of lists."""


def encoded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


PLACES = {"hub": "live", "domain": FLV, "encodedStreamTitle": encoded(STREAM)}


def posts() -> list[APIRoute]:
    routers = live_routers(MagicMock(), LiveSettings())
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return [route for route in routes if "POST" in route.methods]


def body_of(route: APIRoute) -> type[JsonBody] | None:
    """The model that `json_body` was given for a route."""
    calls = [each.call for each in route.dependant.dependencies if inspect.isfunction(each.call)]
    models = [inspect.getclosurevars(call).nonlocals.get("model") for call in calls]
    return next((model for model in models if model is not None), None)


def bodies() -> Iterator[tuple[str, type[JsonBody]]]:
    """The paths that take a body, filled in, each with its model."""
    for route in posts():
        if model := body_of(route):
            yield route.path.format(**PLACES), model


def fields() -> Iterator[tuple[str, str]]:
    for path, model in bodies():
        yield from ((path, field.alias or name) for name, field in model.model_fields.items())


@pytest.fixture(autouse=True)
async def domain_and_stream(api: httpx.AsyncClient) -> None:
    await api.post("/v2/hubs/live/newdomains", json={"domain": FLV, "type": "liveHdl"})
    await api.post(STREAMS, json={"key": STREAM})


async def refused(api: httpx.AsyncClient, path: str, body: object) -> str:
    """What a 400 says."""
    answer = await api.post(path, json=body)
    assert (answer.status_code, list(answer.json())) == (400, ["error"]), answer.text
    text: str = answer.json()["error"]
    return text


class TestBodies:
    def test_every_post_takes_a_body_or_is_known_to_take_none(self) -> None:
        assert {route.name for route in posts() if body_of(route) is None} == WITHOUT_BODY

    async def test_an_unknown_field_is_named(self, api: httpx.AsyncClient) -> None:
        for path, _ in bodies():
            assert "noSuchField" in await refused(api, path, {"noSuchField": 1}), path

    async def test_a_field_of_a_wrong_type_is_named(self, api: httpx.AsyncClient) -> None:
        for path, field in fields():
            assert field in await refused(api, path, {field: NONSENSE}), (path, field)

    async def test_a_body_is_an_object(self, api: httpx.AsyncClient) -> None:
        for path, _ in bodies():
            assert "JSON object" in await refused(api, path, []), path


class TestStreamNames:
    GOOD = ("abcd", "x" * 200, "----", "____", "a-_9")
    BAD = ("abc", "x" * 201, "-", "_", "ab%2Fcd", "ab/cd", "ab.cd", "ab cd", "abcd\n", "abcd\0", "名字名字")
    NO_BASE64 = ("a", "abcde", "=", "====", "%20", "%00", "!!!!", "c3Ry*ZWFt", "%C3%A9")

    async def test_good_ones_are_found_in_either_alphabet_with_padding_and_without(
        self, api: httpx.AsyncClient
    ) -> None:
        for name in self.GOOD:
            assert (await api.post(STREAMS, json={"key": name})).status_code == 200, name
            standard = base64.b64encode(name.encode()).decode()
            for text in {encoded(name), encoded(name).rstrip("="), standard, standard.rstrip("=")}:
                assert (await api.get(f"{STREAMS}/{text}")).status_code == 200, text

    async def test_bad_ones_are_not_made(self, api: httpx.AsyncClient) -> None:
        for name in ("", *self.BAD):
            assert "key" in await refused(api, STREAMS, {"key": name}), name

    async def test_bad_ones_are_named_in_a_path(self, api: httpx.AsyncClient) -> None:
        for text in (*map(encoded, self.BAD), *self.NO_BASE64):
            answer = await api.get(f"{STREAMS}/{text}")
            assert (answer.status_code, "encodedStreamTitle" in answer.text) == (400, True), text

    async def test_a_slash_is_another_endpoint(self, api: httpx.AsyncClient) -> None:
        assert (await api.get(f"{STREAMS}/abc%2Fdef")).status_code == 404


class TestLists:
    ADDRESSES = (
        "",
        "nonsense",
        "10.0.0.0/33",
        "10.0.0.256",
        "10.0.0.0/",
        "10.0/8",
        "::1/129",
        "fe80::1%eth0",
    )
    PAGES = ("", "*", "*.", "a.*.example", "http://a.example", "a.example/x", "例子")
    PATTERNS = ("", "(", "[", "a{1000000}", "(?=a)", r"\1", "*", "x" * 5000, "\0")
    REPLACEMENTS = ("", "${1}", "${", "${100}", "x" * 5000)

    async def test_networks(self, api: httpx.AsyncClient) -> None:
        for entry in (*self.ADDRESSES, "1" * 5000):
            for name in ("whitelist", "blacklist"):
                said = await refused(api, f"{DOMAIN}/ipLimit", {name: ["10.0.0.1", entry]})
                assert name in said, entry

    async def test_pages(self, api: httpx.AsyncClient) -> None:
        for entry in self.PAGES:
            for name in ("allow", "deny"):
                said = await refused(api, f"{DOMAIN}/refererLimit", {name: ["a.example", entry]})
                assert name in said, entry

    async def test_rewriting(self, api: httpx.AsyncClient) -> None:
        wrong = [("pattern", {"pattern": each, "replace": "/live/stream.flv"}) for each in self.PATTERNS]
        wrong += [("replace", {"pattern": "/show/", "replace": each}) for each in self.REPLACEMENTS]
        for field, rule in wrong:
            said = await refused(api, f"{DOMAIN}/urlrewrite", {"rules": [rule]})
            assert f"rules[0].{field}" in said, rule
