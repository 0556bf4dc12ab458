"""The service as control and the workers use it, and two servers that share a database."""

import asyncio

import pytest

from oxbow.kernel.accounts import Account
from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database
from oxbow.kernel.refusals.models import Refusal
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.errors import HubLive, HubNotFound
from oxbow.rooms.live.models import FOREVER, DomainType, Hub, PublishSecurity
from oxbow.rooms.live.service import LiveService
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.snapshot import DomainConfig, HubConfig
from oxbow.rooms.live.store import ConfigurationStore

from .conftest import Board, Keys

ROOT = Account(1, "root")


async def test_the_default_hub_is_made_once(service: LiveService, accounts: Database, keys, board):
    assert [hub.name for hub in await service.hubs.owned_by(ROOT.id)] == ["live"]
    await service.hubs.delete(ROOT.id, "live")
    again = LiveService(LiveSettings(), accounts, keys, board, node="here")
    await again.open(ROOT)
    assert await again.hubs.owned_by(ROOT.id) == []
    await again.close()


async def test_no_default_hub(accounts: Database, keys, board):
    service = LiveService(LiveSettings(default_hub="-"), accounts, keys, board, node="here")
    await service.open(ROOT)
    assert (await service.snapshot()).hubs == {}
    await service.close()


async def test_the_snapshot_holds_what_workers_decide_with(service: LiveService):
    await service.domains.bind(ROOT.id, "live", "FLV.example.com", DomainType.LIVE_HDL)
    await service.hubs.change(ROOT.id, "live", grace_seconds=0.0, hls_plus=True)
    await service.streams.create(ROOT.id, "live", "banned")
    await service.streams.disable(ROOT.id, "live", "banned", FOREVER)
    snapshot = await service.snapshot()
    assert snapshot.hubs == {"live": HubConfig("live", 0.0, hls_plus=True)}
    assert snapshot.domains == {"flv.example.com": DomainConfig("live", DomainType.LIVE_HDL)}
    assert snapshot.banned == {"live/banned": FOREVER}


async def test_subscribers_hear_of_changes_of_the_snapshot_and_of_nothing_else(service: LiveService):
    heard: list[int] = []
    service.subscribe(lambda: heard.append(1))
    await service.hubs.create(ROOT.id, "another")
    assert len(heard) == 1
    await service.hubs.set_security(ROOT.id, "live", PublishSecurity.STATIC, "k")
    assert len(heard) == 1


async def test_a_hub_with_live_streams_is_not_deleted(service: LiveService, board):
    board.go_live("live", "stream")
    with pytest.raises(HubLive, match="1 streams of the hub are live"):
        await service.hubs.delete(ROOT.id, "live")
    with pytest.raises(HubNotFound):
        await service.hubs.delete(2, "live")


async def test_deleting_a_stream_cuts_it(service: LiveService, board):
    await service.streams.create(ROOT.id, "live", "stream")
    await service.streams.delete(ROOT.id, "live", "stream")
    assert board.cuts == [("live", "stream", "stream_deleted")]


class TestHistory:
    async def test_a_broadcast_that_is_on_ends_when_it_was_last_seen(self, service: LiveService, clock):
        service.publish_started(
            LivePublisher("live", "stream", "a", "192.0.2.1:4000", "192.0.2.9:1935", clock.now)
        )
        service.publish_seen(["a"], clock.now + 30.9)
        await service.history_writer.flush()
        (activity,) = await service.streams.history(ROOT.id, "live", "stream", 0, int(clock.now) + 99)
        assert (activity.started_at, activity.seen_at, activity.ended_at) == (clock.now, clock.now + 30, None)

    async def test_after_the_death_of_the_server_it_ended_when_it_was_last_seen(
        self, service: LiveService, clock, accounts: Database, keys, board
    ):
        service.publish_started(
            LivePublisher("live", "stream", "a", "192.0.2.1:4000", "192.0.2.9:1935", clock.now)
        )
        service.publish_seen(["a"], clock.now + 30)
        await service.history_writer.flush()
        after = LiveService(LiveSettings(), accounts, keys, board, node="here", clock=clock)
        await after.open(ROOT)
        (activity,) = await after.streams.history(ROOT.id, "live", "stream", 0, 0)
        assert activity.ended_at == clock.now + 30
        # The workers lived on, and tell the new control what they carry: the broadcast goes on.
        clock.now += 60
        after.publish_started(
            LivePublisher("live", "stream", "a", "192.0.2.1:4000", "192.0.2.9:1935", clock.now - 60)
        )
        await after.history_writer.flush()
        (activity,) = await after.streams.history(ROOT.id, "live", "stream", 0, 0)
        assert (activity.started_at, activity.ended_at) == (clock.now - 60, None)
        await after.close()


async def test_two_servers_on_one_database_see_each_others_changes(database: Database):
    async with database.session() as session:
        session.add(AccountRow(id=1, name="root", created_at=1))
    one, two = (LiveService(LiveSettings(), database, Keys(), Board(), node=node) for node in ("one", "two"))
    await one.open(ROOT)
    await two.open(ROOT)
    heard = asyncio.Event()
    two.subscribe(heard.set)
    await one.hubs.create(ROOT.id, "another")
    async with asyncio.timeout(10):
        await heard.wait()
    assert set((await two.snapshot()).hubs) == {"live", "another"}
    await one.close()
    await two.close()


async def test_the_cache_goes_on_polling_after_the_database_was_away(sqlite_database: Database, monkeypatch):
    store = ConfigurationStore(sqlite_database)
    answers = [ConnectionError("a bug, not an absent database"), None]
    version = store.version

    async def flaky_version() -> int:
        failure = answers.pop(0) if answers else None
        if failure is not None:
            raise failure
        return await version()

    cache = ConfigurationCache(store, LiveSettings(), poll_seconds=0.001)
    await cache.open()
    monkeypatch.setattr(store, "version", flaky_version)
    changed = asyncio.Event()
    cache.subscribe(changed.set)
    async with sqlite_database.session() as session:
        session.add(AccountRow(id=1, name="root", created_at=1))
    await store.create_hub(Hub("live", 1, 1, 1), limit=1)
    async with asyncio.timeout(10):
        await changed.wait()
    assert set(cache.snapshot.hubs) == {"live"}
    await cache.close()


async def test_a_refusal_belongs_to_the_hubs_owner_or_to_nobody(service: LiveService, refusals) -> None:
    service.refused(
        [
            Refusal("r1", 1.0, "play", "ipLimit", "ip_denied", "no", hub="live"),
            Refusal("r2", 1.0, "play", "hub", "hub_not_found", "no", hub="unknown"),
        ]
    )
    assert [(one.reqid, one.account) for one in refusals.kept] == [("r1", ROOT.id), ("r2", 0)]
