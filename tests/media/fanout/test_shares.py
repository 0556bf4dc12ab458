"""What each kind of viewer got, counted without looking at any of them, against what real sockets read."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from oxbow.media.fanout import Cohort, FanoutLimits
from oxbow.media.formats import FLV, WEBSOCKET, Format

from .conftest import LIMITS, SMALL, Client, Connect, Stage, drain, enter, settle


@pytest.mark.parametrize("format_", [FLV, WEBSOCKET])
def test_the_sums_are_what_the_sockets_took(stage: Stage, connect: Connect, format_: Format) -> None:
    """Viewers of three kinds come, lag, speak, leave and vanish in no particular order."""
    cohort = Cohort(stage.reader, format_, FanoutLimits(LIMITS.max_lag_seconds, 60.0))
    chance, told, clients = random.Random(7), Counter[object](), []
    stage.second()
    for _ in range(60):
        for _ in range(chance.randrange(3)):
            client = connect(chance.choice((SMALL, 1 << 20)), greeting=b"hello")
            client.viewer.kind = chance.choice(("a", "b", "c"))
            enter(cohort, client)
            clients.append(client)
        stage.second(chance.choice((50, 2000)))
        cohort.push()
        for client in clients:
            chance.choice((client.read, lambda: None, lambda one=client: one.read(1000)))()
        if clients and chance.random() < 0.3:
            cohort.leave(chance.choice(clients).viewer)
        if clients and chance.random() < 0.3:
            one = chance.choice(clients)
            if one.viewer.fd in cohort._viewers:
                cohort.say(one.viewer, b"\x8a\x00")
        for kind, _, sent_bytes in cohort.shares.take():
            told[kind] += sent_bytes
    settle(cohort)
    for kind, _, sent_bytes in cohort.shares.take():
        told[kind] += sent_bytes
    read = Counter[object]()
    for client in clients:
        read_all(client)
        read[client.viewer.kind] += len(client.received)
    assert told == read
    assert cohort.shares.sent_bytes == read.total()


def read_all(client: Client) -> None:
    """Until nothing comes for good: our end says that it was the last."""
    client.near.close()
    client.far.settimeout(10)
    while data := client.far.recv(1 << 20):
        client.received += data


def test_a_kind_that_has_left_is_told_once_more(stage: Stage, cohort: Cohort, connect: Connect) -> None:
    stage.second()
    first, second = connect(), connect()
    for client, kind in ((first, "a"), (second, "b")):
        client.viewer.kind = kind
        enter(cohort, client)
        drain(cohort, client, others=len(first.received) if client is second else 0)
    size = len(first.received)
    assert cohort.shares.take() == [("a", 1, size), ("b", 1, size)]
    more = len(stage.second())
    cohort.push()
    cohort.leave(first.viewer)
    assert cohort.shares.take() == [("a", 0, more), ("b", 1, more)]
    assert cohort.shares.take() == [("b", 1, 0)]


def test_who_is_shown_out_is_counted_no_more(stage: Stage, cohort: Cohort, connect: Connect) -> None:
    stage.second()
    enter(cohort, connect())
    cohort.dismiss("disabled")
    ((_, viewers, _),) = cohort.shares.take()
    assert viewers == 0
    stage.second()
    cohort.push()
    assert cohort.shares.take() == []
