"""What every request to the media port has in common: order, errors, methods, CORS."""

import asyncio
from typing import Any

import pytest

from media_worker import Worker
from oxbow.rooms.live.gateways.http.exchange import IDLE_SECONDS, PIPELINE
from oxbow.rooms.live.gateways.http.target import split_session
from waiting import soon

from .conftest import Client, Connect


@pytest.mark.parametrize(
    "target",
    ["/", "/hub", "/hub/stream", "/hub/stream.mp4", "/hub/stream.ts", "/a/b/c.flv", "/hub/..%2fetc.flv", "*"],
)
async def test_addresses_that_name_no_stream_are_not_found(client: Client, target: str) -> None:
    answer = await client.get(target)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error"}
    assert answer.headers["x-reqid"]


async def test_refusals_say_why_and_are_counted(client: Client, worker: Worker) -> None:
    answers = [await client.get(path) for path in ("/nothing/stream.flv", "/hub/banned.flv", "/x")]
    assert [(answer.status, answer.json()["error"]) for answer in answers] == [
        (404, "hub not found"),
        (403, "the stream is disabled"),
        (404, "a play address is /<hub>/<stream>.flv or /<hub>/<stream>.m3u8"),
    ]
    assert len({answer.headers["x-reqid"] for answer in answers}) == 3
    assert worker.plane.refused == {"hub_not_found": 1, "stream_disabled": 1, "bad_address": 1}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    answer = await client.get("/hub/stream.flv", method, Content_Length="0")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert "error" in answer.json()


async def test_browsers_may_ask_from_every_page(client: Client) -> None:
    answer = await client.get("/hub/stream.m3u8", "OPTIONS", Origin="https://example.com")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "*"
    refused = await client.get("/hub/banned.flv", Origin="https://example.com")
    assert refused.headers["access-control-allow-origin"] == "*", "so that a page can show the reason"
    assert "X-Reqid" in refused.headers["access-control-expose-headers"]


async def test_the_absolute_form_is_understood(client: Client) -> None:
    assert (await client.get("http://pull.example.com/hub/banned.flv")).status == 403


async def test_a_connection_is_kept_until_it_is_idle_for_long(client: Client, worker: Worker) -> None:
    for _ in range(3):
        assert (await client.get("/x")).headers["connection"] == "keep-alive"
    now = asyncio.get_running_loop().time()
    worker.media.sweep(now + IDLE_SECONDS - 5)
    assert (await client.get("/x")).status == 404
    worker.media.sweep(now + IDLE_SECONDS + 10)
    assert await client.rest() == b""


@pytest.mark.parametrize("kept", [{"version": "1.0"}, {"Connection": "close"}])
async def test_who_does_not_want_to_keep_it_is_hung_up_on(client: Client, kept: dict[str, str]) -> None:
    await client.ask("/x", **kept)
    answer = await client.answer()
    assert (answer.status, answer.headers["connection"]) == (404, "close")
    assert await client.rest() == b""
    client.writer.close()
    await client.gone()


async def test_http_1_0_may_ask_to_keep_it(client: Client) -> None:
    for _ in range(2):
        await client.ask("/x", version="1.0", Connection="keep-alive")
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (404, "keep-alive")


async def test_requests_sent_ahead_are_answered_in_order(client: Client, worker: Worker) -> None:
    """The first one has to wait, so the others do."""
    await client.send(
        b"".join(
            b"GET %s HTTP/1.1\r\n\r\n" % path
            for path in (b"/hub/stream.m3u8", b"/hub/banned.flv", b"/nothing/stream.flv")
        )
    )
    await soon(lambda: client.session._waiting)
    assert len(client.session._queue) == 2
    worker.plane.shelf.cut("hub", "stream")
    answers = [await client.answer() for _ in range(3)]
    assert [answer.json()["error"] for answer in answers] == [
        "the stream is not live",
        "the stream is disabled",
        "hub not found",
    ]


async def test_but_not_any_number_of_them(client: Client) -> None:
    await client.send(b"GET /x HTTP/1.1\r\n\r\n" * (PIPELINE + 1))
    answer = await client.answer()
    assert (answer.status, answer.json()["error"]) == (400, "at most 16 requests may be sent ahead")
    assert await client.rest() == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"\x16\x03\x01\x02\x00\x01", 400), (b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\n\r\n", 431)],
    ids=["TLS", "too long"],
)
async def test_what_is_no_request_is_answered_and_hung_up_on(
    client: Client, sent: bytes, status: int
) -> None:
    await client.send(sent)
    answer = await client.answer()
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert "error" in answer.json()
    assert await client.rest() == b""


async def test_garbage_behind_a_request_that_waits_is_the_end_of_both(client: Client, worker: Worker) -> None:
    await client.ask("/hub/stream.m3u8")
    await soon(lambda: client.session._waiting)
    await client.send(b"\x00\x01garbage\r\n\r\n")
    assert await client.rest() == b"", "nothing may land in the middle of an answer"
    await client.gone()
    assert worker.plane.shelf._streams["hub", "stream"].pending == []


async def test_who_asks_for_nothing_is_shown_out(connect: Connect, worker: Worker) -> None:
    client = await connect()
    worker.media.sweep(asyncio.get_running_loop().time() + 10.1)
    assert await client.rest() == b""
    assert worker.media.refused == {"timeout": 1}


@pytest.mark.parametrize(
    ("query", "kept", "session"),
    [
        ("", "", None),
        ("a=1&b=2", "a=1&b=2", None),
        ("session=0123456789abcdef", "", "0123456789abcdef"),
        ("a=1&session=0123456789abcdef&b=2", "a=1&b=2", "0123456789abcdef"),
        ("session=mine&a=1", "session=mine&a=1", None),
        ("a=1&&", "a=1", None),
    ],
)
def test_the_session_is_told_from_the_viewers_own_query(query: str, kept: str, session: Any) -> None:
    assert split_session(query) == (kept, session)
