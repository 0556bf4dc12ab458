"""The contract of the live room's stores, on each database that Oxbow supports."""

import asyncio
from dataclasses import replace

import pytest

from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database
from oxbow.rooms.live.errors import (
    DomainConflict,
    DomainNotFound,
    HubExists,
    HubNotFound,
    NoSuchDomain,
    StreamExists,
    StreamNotFound,
    TooMany,
)
from oxbow.rooms.live.history import HistoryEntry
from oxbow.rooms.live.models import (
    FOREVER,
    Activity,
    Domain,
    DomainType,
    Hub,
    PublishSecurity,
    SecondPublisher,
)
from oxbow.rooms.live.store import ActivityStore, ConfigurationStore, StreamStore
from oxbow.rooms.live.store.streams import new_stream

OWNER, STRANGER = 1, 2
DAY = 86_400


@pytest.fixture
async def accounts(database: Database) -> Database:
    async with database.session() as session:
        session.add(AccountRow(id=OWNER, name="owner", created_at=1))
        session.add(AccountRow(id=STRANGER, name="stranger", created_at=1))
    return database


@pytest.fixture
async def configuration(accounts: Database) -> ConfigurationStore:
    store = ConfigurationStore(accounts)
    await store.create_hub(Hub("live", OWNER, 100, 100), limit=3)
    return store


@pytest.fixture
def streams(accounts: Database, configuration: ConfigurationStore) -> StreamStore:
    return StreamStore(accounts)


@pytest.fixture
def activities(accounts: Database, configuration: ConfigurationStore) -> ActivityStore:
    return ActivityStore(accounts)


def domain(name: str, type_: DomainType = DomainType.LIVE_HDL, hub: str = "live", at: int = 200) -> Domain:
    return Domain(name, hub, type_, at)


def activity(id_: str, started_at: int, stream: str = "stream", node: str = "here") -> Activity:
    return Activity(
        id_, "live", stream, node, started_at, started_at, None, "192.0.2.1:4000", "192.0.2.9:1935"
    )


class TestHubs:
    async def test_what_is_stored_is_what_is_read(self, configuration: ConfigurationStore):
        hub = Hub(
            "full",
            OWNER,
            1,
            2,
            publish_security=PublishSecurity.EXPIRY,
            publish_key="secret",
            auto_create=False,
            second_publisher=SecondPublisher.TAKEOVER,
            grace_seconds=2.5,
            hls_plus=True,
            storage_bucket="bucket",
            live_data_expire_days=60,
            snapshot_interval=30,
            vod_domain="vod.example.com",
        )
        await configuration.create_hub(hub, limit=3)
        assert await configuration.hub("full", OWNER) == (hub, [])
        assert (await configuration.load()).hubs["full"] == hub

    async def test_an_account_sees_its_own_oldest_first(self, configuration: ConfigurationStore):
        await configuration.create_hub(Hub("theirs", STRANGER, 1, 1), limit=3)
        await configuration.create_hub(Hub("older", OWNER, 50, 50), limit=3)
        assert [hub.name for hub in await configuration.hubs(OWNER)] == ["older", "live"]

    async def test_a_name_is_taken_for_everybody(self, configuration: ConfigurationStore):
        with pytest.raises(HubExists):
            await configuration.create_hub(Hub("live", STRANGER, 1, 1), limit=3)

    async def test_the_limit_holds_however_many_try_at_once(self, configuration: ConfigurationStore):
        attempts = [configuration.create_hub(Hub(f"hub{n}", OWNER, 1, 1), limit=3) for n in range(5)]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        assert sum(isinstance(result, TooMany) for result in results) == 3
        assert len(await configuration.hubs(OWNER)) == 3

    async def test_another_accounts_hub_is_not_there(self, configuration: ConfigurationStore):
        for call in (
            configuration.hub("live", STRANGER),
            configuration.change_hub("live", STRANGER, 1, hls_plus=True),
            configuration.delete_hub("live", STRANGER),
            configuration.hub("nowhere", OWNER),
        ):
            with pytest.raises(HubNotFound):
                await call

    async def test_changes(self, configuration: ConfigurationStore):
        await configuration.change_hub("live", OWNER, 300, publish_security="static", publish_key="k")
        hub, _ = await configuration.hub("live", OWNER)
        assert hub == Hub("live", OWNER, 100, 300, publish_security=PublishSecurity.STATIC, publish_key="k")

    async def test_the_first_hub_is_made_once_in_a_databases_life(self, accounts: Database):
        store = ConfigurationStore(accounts)
        made = await asyncio.gather(*(store.create_first_hub(Hub("live", OWNER, 1, 1)) for _ in range(3)))
        assert sorted(made) == [False, False, True]
        await store.delete_hub("live", OWNER)
        assert not await store.create_first_hub(Hub("live", OWNER, 1, 1))

    async def test_deleting_takes_everything_along(
        self, configuration: ConfigurationStore, streams: StreamStore, activities: ActivityStore
    ):
        await configuration.bind(domain("a.example.com"), OWNER, limit=9)
        await activities.write_history([HistoryEntry("a", started=activity("a", 100))])
        await configuration.delete_hub("live", OWNER)
        await configuration.create_hub(Hub("live", STRANGER, 1, 1), limit=3)
        assert await configuration.hub("live", STRANGER) == (Hub("live", STRANGER, 1, 1), [])
        assert await streams.find("live", "stream") is None
        assert await activities.between("live", "stream", 0, 999) == []


class TestVersion:
    async def test_it_grows_with_what_other_servers_must_hear(
        self, configuration: ConfigurationStore, streams: StreamStore
    ):
        seen = [await configuration.version()]
        await configuration.change_hub("live", OWNER, 1, hls_plus=True)
        seen.append(await configuration.version())
        await configuration.bind(domain("a.example.com"), OWNER, limit=9)
        seen.append(await configuration.version())
        await configuration.unbind("live", "a.example.com", OWNER, 1)
        seen.append(await configuration.version())
        await streams.create(new_stream("live", "stream", 1), OWNER)
        await streams.change("live", "stream", OWNER, 1, disabled_till=FOREVER)
        seen.append(await configuration.version())
        assert seen == sorted(set(seen))
        assert (await configuration.load()).version == seen[-1]

    async def test_a_refused_change_does_not_count(self, configuration: ConfigurationStore):
        before = await configuration.version()
        with pytest.raises(HubExists):
            await configuration.create_hub(Hub("live", OWNER, 1, 1), limit=3)
        assert await configuration.version() == before


class TestDomains:
    async def test_bound_domains_oldest_first(self, configuration: ConfigurationStore):
        await configuration.bind(domain("b.example.com", at=202), OWNER, limit=9)
        await configuration.bind(domain("a.example.com", DomainType.PUBLISH_RTMP, at=201), OWNER, limit=9)
        hub, domains = await configuration.hub("live", OWNER)
        assert [bound.name for bound in domains] == ["a.example.com", "b.example.com"]
        assert hub.updated_at == 201
        assert await configuration.domain("live", "b.example.com", OWNER) == domains[1]

    async def test_a_domain_is_bound_once(self, configuration: ConfigurationStore):
        await configuration.create_hub(Hub("theirs", STRANGER, 1, 1), limit=3)
        await configuration.bind(domain("a.example.com"), OWNER, limit=9)
        with pytest.raises(DomainConflict):
            await configuration.bind(domain("a.example.com"), OWNER, limit=9)
        with pytest.raises(DomainConflict):
            await configuration.bind(domain("a.example.com", hub="theirs"), STRANGER, limit=9)

    async def test_limit(self, configuration: ConfigurationStore):
        await configuration.bind(domain("a.example.com"), OWNER, limit=1)
        with pytest.raises(TooMany):
            await configuration.bind(domain("b.example.com"), OWNER, limit=1)

    async def test_absent(self, configuration: ConfigurationStore):
        with pytest.raises(NoSuchDomain):
            await configuration.domain("live", "a.example.com", OWNER)
        with pytest.raises(HubNotFound):
            await configuration.bind(domain("a.example.com", hub="nowhere"), OWNER, limit=9)
        for hub in ("live", "nowhere"):
            with pytest.raises(DomainNotFound):
                await configuration.unbind(hub, "a.example.com", OWNER, 1)


class TestStreams:
    async def test_create_and_get(self, streams: StreamStore):
        stream = new_stream("live", "stream", 500)
        await streams.create(stream, OWNER)
        assert await streams.get("live", "stream", OWNER) == stream
        assert await streams.find("live", "stream") == stream
        with pytest.raises(StreamExists):
            await streams.create(stream, OWNER)
        with pytest.raises(HubNotFound):
            await streams.get("live", "stream", STRANGER)
        with pytest.raises(StreamNotFound):
            await streams.get("live", "another", OWNER)

    async def test_of_many_who_create_a_stream_at_once_one_does(self, streams: StreamStore):
        attempts = [streams.create(new_stream("live", "stream", n), OWNER) for n in range(4)]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        assert sum(isinstance(result, StreamExists) for result in results) == 3

    async def test_pages_go_by_the_bytes_of_names_on_every_backend(self, streams: StreamStore):
        names = ["Zulu", "_low", "a-one", "a_two", "aONE", "bravo", "0000"]
        for name in names:
            await streams.ensure(new_stream("live", name, 1))
        seen: list[str] = []
        while page := await streams.page("live", OWNER, prefix="", after=seen[-1] if seen else "", limit=2):
            seen += page
        assert seen == sorted(names)
        assert await streams.page("live", OWNER, prefix="a", after="", limit=9) == ["a-one", "aONE", "a_two"]
        assert await streams.page("live", OWNER, prefix="a", after="aONE", limit=9) == ["a_two"]
        assert await streams.page("live", OWNER, prefix="a%", after="", limit=9) == []

    async def test_particular_streams_are_part_of_the_configuration(
        self, configuration: ConfigurationStore, streams: StreamStore
    ):
        for name in ("plain", "banned", "guarded"):
            await streams.create(new_stream("live", name, 1), OWNER)
        await streams.change("live", "banned", OWNER, 2, disabled_till=FOREVER)
        await streams.change("live", "guarded", OWNER, 2, publish_security="static", publish_key="k")
        particular = (await configuration.load()).particular
        assert set(particular) == {("live", "banned"), ("live", "guarded")}
        assert particular["live", "banned"] == replace(
            new_stream("live", "banned", 1), disabled_till=FOREVER, updated_at=2
        )

    async def test_ended_bans_are_lifted(self, configuration: ConfigurationStore, streams: StreamStore):
        for name, till in (("ended", 100), ("going-on", 101), ("for-ever", FOREVER)):
            await streams.create(new_stream("live", name, 1), OWNER)
            await streams.change("live", name, OWNER, 1, disabled_till=till)
        before = await configuration.version()
        await streams.lift_ended_bans(100)
        assert set((await configuration.load()).particular) == {("live", "going-on"), ("live", "for-ever")}
        assert await configuration.version() == before + 1
        await streams.lift_ended_bans(100)
        assert await configuration.version() == before + 1

    async def test_what_is_no_text_for_a_database_finds_nothing(
        self, configuration: ConfigurationStore, streams: StreamStore
    ):
        for odd in ("\x00", "\ud800", "a" * 100_000):
            assert await streams.page("live", OWNER, prefix=odd, after="", limit=9) == []
            with pytest.raises(HubNotFound):
                await configuration.hub(odd, OWNER)

    async def test_delete(self, streams: StreamStore):
        await streams.create(new_stream("live", "stream", 1), OWNER)
        await streams.delete("live", "stream", OWNER)
        with pytest.raises(StreamNotFound):
            await streams.delete("live", "stream", OWNER)

    async def test_a_nonce_is_good_for_one(self, streams: StreamStore):
        await streams.create(new_stream("live", "stream", 1), OWNER)
        attempts = [streams.consume_nonce("live", "stream", 7) for _ in range(5)]
        assert sorted(await asyncio.gather(*attempts)) == [False, False, False, False, True]
        assert not await streams.consume_nonce("live", "stream", 6)
        assert await streams.consume_nonce("live", "stream", 2**63 - 1)

    async def test_expired_streams_are_cleared(
        self, configuration: ConfigurationStore, streams: StreamStore, activities: ActivityStore
    ):
        await configuration.create_hub(Hub("kept", OWNER, 1, 1, live_data_expire_days=60), limit=3)
        await streams.ensure(new_stream("kept", "young", 0))
        for name in ("old-never-used", "old-used", "banned", "on-air"):
            await streams.ensure(new_stream("live", name, 0))
        await streams.change("live", "banned", OWNER, 0, disabled_till=FOREVER)
        used = replace(activity("used", 0, "old-used"), seen_at=5 * DAY)
        await activities.write_history(
            [
                HistoryEntry("used", started=used, ended_at=5 * DAY),
                HistoryEntry("on-air", started=activity("on-air", 0, "on-air")),
            ]
        )
        assert list(await streams.clear_expired(15 * DAY, 15, limit=9)) == [("live", "old-never-used")]
        assert list(await streams.clear_expired(20 * DAY, 15, limit=9)) == [("live", "old-used")]
        assert await streams.find("live", "banned") is not None
        assert await streams.count() == 3


class TestActivities:
    async def test_a_broadcast_from_start_to_end(self, streams: StreamStore, activities: ActivityStore):
        await activities.write_history([HistoryEntry("a", started=activity("a", 100))])
        await activities.write_history([HistoryEntry("a", seen_at=150)])
        assert await activities.between("live", "stream", 0, 999) == [
            replace(activity("a", 100), seen_at=150)
        ]
        await activities.write_history([HistoryEntry("a", seen_at=160, ended_at=160)])
        assert await activities.between("live", "stream", 0, 999) == [
            replace(activity("a", 100), seen_at=160, ended_at=160)
        ]

    async def test_writing_again_changes_nothing(self, activities: ActivityStore):
        entries = [HistoryEntry("a", started=activity("a", 100), seen_at=160, ended_at=160)]
        await activities.write_history(entries)
        once = await activities.between("live", "stream", 0, 999)
        await activities.write_history(entries)
        assert await activities.between("live", "stream", 0, 999) == once

    async def test_it_creates_the_stream_that_was_let_in_without_the_database(
        self, streams: StreamStore, activities: ActivityStore
    ):
        await activities.write_history([HistoryEntry("a", started=activity("a", 100))])
        stream = await streams.get("live", "stream", OWNER)
        assert (stream.created_at, stream.published_at) == (100, 100)

    async def test_a_broadcast_of_a_deleted_hub_is_not_recorded(self, activities: ActivityStore):
        await activities.write_history([HistoryEntry("a", started=replace(activity("a", 1), hub="gone"))])
        assert await activities.between("gone", "stream", 0, 999) == []

    async def test_overlap_newest_first(self, activities: ActivityStore):
        entries = [
            HistoryEntry(str(start), started=activity(str(start), start), ended_at=start + 50)
            for start in (100, 200, 300)
        ]
        await activities.write_history(entries)

        async def ids(start: int, end: int) -> list[str]:
            return [found.id for found in await activities.between("live", "stream", start, end)]

        assert await ids(0, 999) == ["300", "200", "100"]
        assert await ids(150, 200) == ["200", "100"]
        assert await ids(151, 199) == []

    async def test_a_heartbeat_for_many_never_goes_back(self, activities: ActivityStore):
        names = [f"b{n}" for n in range(1200)]
        await activities.write_history([HistoryEntry(n, started=activity(n, 100)) for n in names[:3]])
        await activities.write_history([HistoryEntry(n, seen_at=110) for n in names])
        await activities.write_history([HistoryEntry("b1", seen_at=105)])
        found = await activities.between("live", "stream", 0, 999)
        assert [each.seen_at for each in found] == [110, 110, 110]

    async def test_what_a_dead_server_left_open_ends_when_it_was_last_seen(self, activities: ActivityStore):
        await activities.write_history(
            [
                HistoryEntry("mine", started=activity("mine", 100), seen_at=170),
                HistoryEntry("ours", started=activity("ours", 90, node="there"), seen_at=171),
            ]
        )
        assert [found.id for found in await activities.abandoned("here")] == ["mine"]
        await activities.close_abandoned("here")
        assert await activities.abandoned("here") == []
        found = await activities.between("live", "stream", 0, 999)
        assert [(each.id, each.ended_at) for each in found] == [("mine", 170), ("ours", None)]
        await activities.write_history([HistoryEntry("mine", started=activity("mine", 100), seen_at=175)])
        assert (await activities.between("live", "stream", 0, 999))[0].ended_at is None

    async def test_who_publishes_is_known_while_it_is_on(self, activities: ActivityStore):
        for name in ("ended", "over", "on"):
            started = replace(activity(name, 100), publisher="{}")
            await activities.write_history([HistoryEntry(name, started=started)])
        await activities.write_history([HistoryEntry("ended", ended_at=170)])
        over = replace(activity("over", 100), publisher="{}")
        await activities.write_history([HistoryEntry("over", started=over, ended_at=170)])
        found = {each.id: each.publisher for each in await activities.between("live", "stream", 0, 999)}
        assert found == {"ended": "", "over": "", "on": "{}"}

    async def test_forget(self, activities: ActivityStore):
        await activities.write_history(
            [HistoryEntry(str(at), started=activity(str(at), at), ended_at=at) for at in (100, 200)]
        )
        await activities.forget(200)
        assert [found.id for found in await activities.between("live", "stream", 0, 999)] == ["200"]
