"""Where the event loop tells when a socket takes more, nobody who joins or lags waits for the next tick."""

import asyncio

from oxbow.media.fanout import Cohort
from oxbow.media.formats import FLV

from .conftest import LIMITS, SMALL, Client, Connect, Stage


async def receive(client: Client, size: int) -> None:
    """Read until the client has so many bytes."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        while len(client.received) < size:
            client.received += await loop.sock_recv(client.far, 65536)


async def test_who_joins_gets_a_whole_group_of_pictures_within_one_tick(
    stage: Stage, connect: Connect
) -> None:
    cohort = Cohort(stage.reader, FLV, LIMITS, asyncio.get_running_loop())
    expected = stage.second(size=40_000)
    client = connect(SMALL)
    cohort.push()
    assert cohort.join(client.viewer)
    await receive(client, len(expected))
    assert client.received == expected
    cohort.push()
    assert cohort.shares.sent_bytes == len(expected), "in step again, and nothing twice"


async def test_who_has_gone_is_not_listened_for(stage: Stage, connect: Connect) -> None:
    loop = asyncio.get_running_loop()
    cohort = Cohort(stage.reader, FLV, LIMITS, loop)
    stage.second(size=40_000)
    left, _, vanished = clients = [connect(SMALL) for _ in range(3)]
    cohort.push()
    for client in clients:
        assert cohort.join(client.viewer)
    cohort.leave(left.viewer)
    vanished.vanish()
    while not vanished.gone:  # noqa: ASYNC110 (the loop itself brings the news)
        await asyncio.sleep(0)
    cohort.dismiss("disabled")
    assert [client.gone for client in clients] == [[], ["disabled"], ["disconnected"]]
    assert not any(loop.remove_writer(client.near.fileno()) for client in clients)
