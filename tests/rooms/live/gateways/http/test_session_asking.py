"""Viewers about whom an operator's server decides."""

import pytest

from broadcast import broadcast, setup
from media_worker import Worker
from oxbow.rooms.live.control.messages import PlayAnswer
from oxbow.rooms.live.models import DomainType
from waiting import soon

from .conftest import Client

DOMAIN = "pull.example.com"


async def test_one_who_is_let_in_watches(client: Client, worker: Worker) -> None:
    worker.ask_origin(DOMAIN, DomainType.LIVE_HDL)
    worker.on_air().write([*setup(), *broadcast(0, 1000)])
    await client.ask("/hub/stream.flv?token=x", Referer="http://page.example.com/")
    await soon(lambda: client.session._viewer)
    (question,) = worker.link.questions
    assert (question.path, question.query, question.protocol) == ("/hub/stream.flv", "token=x", "flv")
    assert (question.domain, question.referer) == (DOMAIN, "http://page.example.com/")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (PlayAnswer(1, "origin_refused", "the origin does not let you in"), 403),
        (PlayAnswer(1, "origin_unavailable", "try again"), 503),
        (None, 503),
    ],
    ids=["refused", "unavailable", "control is away"],
)
async def test_one_who_is_not_let_in_is_told_and_may_ask_for_something_else(
    client: Client, worker: Worker, answer: PlayAnswer | None, status: int
) -> None:
    worker.ask_origin(DOMAIN, DomainType.LIVE_HDL)
    worker.link.play_answer = answer
    await client.ask("/hub/stream.flv")
    assert (await client.answer()).status == status
    await client.ask("/", "OPTIONS")
    assert (await client.answer()).status == 204


async def test_what_is_asked_for_meanwhile_waits(client: Client, worker: Worker) -> None:
    worker.ask_origin(DOMAIN, DomainType.LIVE_HDL)
    worker.link.open.clear()
    worker.link.play_answer = PlayAnswer(1, "origin_refused", "no")
    await client.ask("/hub/stream.flv")
    await client.ask("/", "OPTIONS")
    await soon(lambda: len(client.session._queue) == 1)
    worker.link.open.set()
    assert [(await client.answer()).status for _ in range(2)] == [403, 204]


async def test_one_who_goes_is_not_waited_for(client: Client, worker: Worker) -> None:
    worker.ask_origin(DOMAIN, DomainType.LIVE_HDL)
    worker.link.open.clear()
    await client.ask("/hub/stream.flv")
    await soon(lambda: worker.link.questions)
    asking = client.session._asking
    client.writer.close()
    await soon(lambda: asking is not None and asking.cancelled())
