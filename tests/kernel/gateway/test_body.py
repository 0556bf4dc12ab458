"""Request bodies are read whole, up to a limit in bytes and in time."""

import asyncio

import pytest

from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.body import WholeBody, body_of


async def test_the_limit_is_named(client):
    response = await client.post("/v2/domains", content=b"x" * 2049)
    assert response.status_code == 413
    assert response.json()["error"] == (
        "the request body is longer than 2048 bytes, the limit set by OXBOW_API_BODY_LIMIT"
    )


async def test_a_body_of_unknown_length_is_bounded_too(client):
    async def endless():
        while True:
            yield b"x" * 100

    response = await client.post("/v2/domains", content=endless(), auth=None)
    assert response.status_code == 413


def receiving(*bodies: bytes):
    messages = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    messages[-1]["more_body"] = False
    pending = iter(messages)

    async def receive():
        return next(pending, {"type": "http.disconnect"})

    return receive


async def test_the_body_can_be_read_again_inside():
    seen = []

    async def app(scope, receive, send):
        seen.extend([body_of(scope), await receive(), await receive()])

    middleware = WholeBody(app, limit=10, seconds=1)
    await middleware({"type": "http", "headers": []}, receiving(b"ab", b"", b"c"), None)
    assert seen == [
        b"abc",
        {"type": "http.request", "body": b"abc", "more_body": False},
        {"type": "http.disconnect"},
    ]


async def test_a_body_that_does_not_come_is_given_up():
    middleware = WholeBody(None, limit=10, seconds=0.01)
    with pytest.raises(ApiError, match=r"did not arrive within 0\.01 seconds") as raised:
        await middleware({"type": "http", "headers": []}, asyncio.Event().wait, None)
    assert raised.value.status == 408
