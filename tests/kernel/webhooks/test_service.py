"""Callbacks from the event to the log, against real servers."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from hostile import Server, answer, hang, redirect, saying, serving
from oxbow.kernel.database import Database
from oxbow.kernel.webhooks import Delivery, DeliveryState, Hook
from oxbow.kernel.webhooks.dispatcher import PER_ORIGIN
from oxbow.kernel.webhooks.service import DeliveryNotFound, WebhookService
from oxbow.kernel.webhooks.store import DeliveryFilter
from waiting import soon

from .conftest import ACCOUNT

OK = saying(answer(200, b"thanks"))
NO = saying(answer(403, b"no"))
BROKEN = saying(answer(500, b"oops"))


def hook(server: Server, **options: object) -> Hook:
    return replace(Hook("FORM", server.url("/hook"), {"stream": "one"}), **options)


async def finished(webhooks: WebhookService, delivery: Delivery) -> Delivery:
    """The delivery once nothing more will happen to it."""
    found = delivery
    while found.state == DeliveryState.WAITING:
        await asyncio.sleep(0.005)
        await webhooks.flush()
        found = await webhooks.get(ACCOUNT, delivery.id)
    return found


async def test_an_event_arrives_and_the_log_tells(webhooks: WebhookService) -> None:
    async with serving(OK) as server:
        sent = webhooks.send(ACCOUNT, "live.disconnect", "live/one", hook(server))
        done = await finished(webhooks, sent)
    assert server.bodies == [b"stream=one"]
    assert b"authorization: qbox callback-access-key:" in server.requests[0].lower()
    assert (done.state, done.attempts, done.status, done.answer) == (
        DeliveryState.DELIVERED,
        1,
        200,
        "thanks",
    )
    assert done.finished_at is not None
    assert done.duration > 0


async def test_what_fails_is_tried_again_so_often(webhooks: WebhookService) -> None:
    async with serving(BROKEN) as server:
        sent = webhooks.send(
            ACCOUNT, "e", "s", hook(server, success_code=200, retry_times=2, retry_interval=0.01)
        )
        done = await finished(webhooks, sent)
    assert len(server.requests) == 3
    assert (done.state, done.attempts, done.status) == (DeliveryState.FAILED, 3, 500)
    assert done.error == "status 500, not 200"


async def test_a_retry_may_succeed(webhooks: WebhookService) -> None:
    async with serving(BROKEN) as server:
        sent = webhooks.send(
            ACCOUNT, "e", "s", hook(server, success_code=200, retry_times=5, retry_interval=0.05)
        )
        await soon(lambda: server.requests)
        server.behaviour = OK
        done = await finished(webhooks, sent)
    assert done.state == DeliveryState.DELIVERED
    assert (done.error, done.status) == ("", 200)


async def test_a_plain_no_is_not_asked_again(webhooks: WebhookService) -> None:
    async with serving(NO) as server:
        asked = await webhooks.ask(
            ACCOUNT, "e", "s", hook(server, success_code=200, fail_code=403, retry_times=5)
        )
    assert (asked.state, asked.attempts, asked.answer) == (DeliveryState.FAILED, 1, "no")


@pytest.mark.parametrize("behaviour", [hang, redirect("http://10.0.0.1/"), saying(b"\0garbage\r\n\r\n" * 9)])
async def test_servers_that_mean_harm_are_failures_that_say_why(
    webhooks: WebhookService, behaviour: object
) -> None:
    async with serving(behaviour) as server:  # type: ignore[arg-type]
        asked = await webhooks.ask(ACCOUNT, "e", "s", hook(server, timeout=0.2))
    assert asked.state == DeliveryState.FAILED
    assert asked.error


async def test_of_a_long_answer_the_first_kilobyte_is_kept(webhooks: WebhookService) -> None:
    async with serving(saying(answer(200, b"\0\xff" * 5_000_000))) as server:
        asked = await webhooks.ask(ACCOUNT, "e", "s", hook(server))
        await webhooks.flush()
    kept = (await webhooks.get(ACCOUNT, asked.id)).answer
    assert (asked.state, kept) == (DeliveryState.DELIVERED, "\ufffd" * 1024)


async def test_an_answer_that_is_waited_for_stands_in_the_log_too(webhooks: WebhookService) -> None:
    async with serving(OK) as server:
        asked = await webhooks.ask(ACCOUNT, "live.connect", "live/one", hook(server))
    await webhooks.flush()
    assert await webhooks.get(ACCOUNT, asked.id) == asked


async def test_what_is_delayed_can_be_cancelled(webhooks: WebhookService) -> None:
    async with serving(OK) as server:
        sent = webhooks.send(ACCOUNT, "e", "s", hook(server), delay=60, key="one")
        assert await webhooks.cancel("another") == 0
        assert await webhooks.cancel("one") == 1
        assert await webhooks.cancel("one") == 0
    assert (await webhooks.get(ACCOUNT, sent.id)).state == DeliveryState.CANCELLED
    assert server.requests == []


async def test_a_callback_can_be_sent_once_more(webhooks: WebhookService) -> None:
    async with serving(OK) as server:
        first = await finished(webhooks, webhooks.send(ACCOUNT, "e", "s", hook(server)))
        again = await finished(webhooks, await webhooks.replay(ACCOUNT, first.id))
    assert len(server.requests) == 2
    assert (again.replay_of, again.hook, again.state) == (first.id, first.hook, DeliveryState.DELIVERED)
    with pytest.raises(DeliveryNotFound):
        await webhooks.replay(ACCOUNT + 1, first.id)


async def test_a_host_that_hangs_leaves_the_others_their_turn(webhooks: WebhookService) -> None:
    async with serving(hang) as slow, serving(OK) as server:
        for _ in range(PER_ORIGIN * 10):
            webhooks.send(ACCOUNT, "e", "s", hook(slow, timeout=30))
        await soon(lambda: len(slow.requests) == PER_ORIGIN)
        done = await finished(webhooks, webhooks.send(ACCOUNT, "e", "s", hook(server)))
        assert done.state == DeliveryState.DELIVERED
        assert len(slow.requests) == PER_ORIGIN


async def test_a_thousand_streams_drop_at_once(webhooks: WebhookService) -> None:
    async with serving(OK) as server:
        for number in range(1000):
            webhooks.send(ACCOUNT, "live.disconnect", f"live/stream{number}", hook(server))
        await soon(lambda: len(server.requests) >= 1000, "a thousand callbacks")
        await soon(lambda: webhooks.attempts["delivered"] == 1000)
        assert await webhooks.flush()
    page = await webhooks.page(ACCOUNT, DeliveryFilter(state="delivered"), "", 2000)
    assert len({delivery.subject for delivery in page}) == 1000
    assert len(server.requests) == 1000


async def test_servers_that_share_a_database_share_the_work(
    database: Database, start: Callable[[Database], WebhookService]
) -> None:
    one, two = start(database), start(database)
    async with serving(OK) as server:
        for number in range(100):
            (one if number % 2 else two).send(ACCOUNT, "e", f"{number}", hook(server))
        await soon(lambda: one.attempts["delivered"] + two.attempts["delivered"] == 100)
    assert len(server.requests) == 100


async def test_what_waited_when_the_server_went_away_is_sent_by_the_next_one(
    sqlite_database: Database, start: Callable[[Database], WebhookService]
) -> None:
    first = start(sqlite_database)
    async with serving(OK) as server:
        sent = first.send(ACCOUNT, "e", "s", hook(server), delay=0.05)
        await first.close()
        second = start(sqlite_database)
        assert (await finished(second, sent)).state == DeliveryState.DELIVERED
