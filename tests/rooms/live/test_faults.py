"""A PostgreSQL server that is stopped under a live room, or that hangs, and comes back."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from oxbow.kernel.accounts import Account
from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.models import Activity, PublishSecurity
from oxbow.rooms.live.policy import PublishAttempt, PublishGrant, PublishRefused, sign
from oxbow.rooms.live.service import LiveService
from oxbow.rooms.live.settings import LiveSettings

pytestmark = pytest.mark.postgres

ROOT = Account(1, "root")
NOW = 1_700_000_000


@pytest.fixture
async def service(postgres_url: str, keys, board, clock):
    database = Database(postgres_url, timeout=1.0)
    async with database.session() as session:
        session.add(AccountRow(id=ROOT.id, name=ROOT.name, created_at=1))
    service = LiveService(LiveSettings(), database, keys, board, node="here", clock=clock)
    await service.open(ROOT)
    await service.hubs.create(ROOT.id, "dynamic")
    await service.hubs.set_security(ROOT.id, "dynamic", PublishSecurity.DYNAMIC, "k")
    yield service
    await service.close()
    await database.close()


@pytest.fixture(params=["stopped", "hanging"])
def outage(request: pytest.FixtureRequest, postgres_server):
    """A context in which the database is away."""

    @contextmanager
    def away() -> Iterator[None]:
        leave, come_back = {
            "stopped": (postgres_server.stop, postgres_server.start),
            "hanging": (postgres_server.freeze, postgres_server.thaw),
        }[request.param]
        leave()
        try:
            yield
        finally:
            come_back()

    return away


def publish(service: LiveService, hub: str = "live", query: str = ""):
    return service.authorize_publish(PublishAttempt(hub, "stream", query, None, "192.0.2.1:4000", NOW))


async def eventually(ask: Callable[[], object]) -> list[Activity]:
    """The first answer that is not empty, once the database answers again."""
    async with asyncio.timeout(30):
        while True:
            try:
                if found := await ask():  # type: ignore[misc]
                    return found
            except DatabaseUnavailableError:
                pass
            await asyncio.sleep(0.05)


async def test_broadcasts_go_on_and_are_recorded_afterwards(service: LiveService, outage):
    service.publish_started(
        LivePublisher("live", "before", "before", "192.0.2.1:4000", "192.0.2.9:1935", NOW - 60)
    )
    await service.history_writer.flush()
    nonce = f"nonce=5&token={sign('/dynamic/stream?nonce=5', 'k')}"
    with outage():
        assert isinstance(await publish(service), PublishGrant)
        service.publish_started(
            LivePublisher("live", "stream", "during", "192.0.2.1:4001", "192.0.2.9:1935", NOW)
        )
        service.publish_ended("before", NOW + 2)
        service.publish_seen(["during"], NOW + 5)
        with pytest.raises(PublishRefused) as caught:
            await publish(service, "dynamic", nonce)
        assert caught.value.reason == "unavailable"
        with pytest.raises(DatabaseUnavailableError):
            await service.hubs.owned_by(ROOT.id)
        assert service.history_writer.pending
    streams = await eventually(
        lambda: service.streams.page(ROOT.id, "live", live_only=False, prefix="stream", after="", limit=9)
    )
    assert streams == ["stream"]
    (during,) = await service.streams.history(ROOT.id, "live", "stream", 0, NOW + 9)
    assert (during.started_at, during.seen_at, during.ended_at) == (NOW, NOW + 5, None)
    (before,) = await service.streams.history(ROOT.id, "live", "before", 0, NOW + 9)
    assert before.ended_at == NOW + 2
    async with asyncio.timeout(30):
        while True:  # what is known to be away is tried again within a second
            try:
                assert (await publish(service, "dynamic", nonce)).hub == "dynamic"
                break
            except PublishRefused as refused:
                assert refused.reason == "unavailable"
                await asyncio.sleep(0.05)
