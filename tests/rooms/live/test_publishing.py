"""Letting publishers in: with the database, without it, and when several try at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from oxbow.kernel.accounts import Account
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.errors import StreamNotFound
from oxbow.rooms.live.models import FOREVER, DomainType, PublishSecurity, SecondPublisher, Stream
from oxbow.rooms.live.policy import PublishAttempt, PublishGrant, PublishRefused, sign
from oxbow.rooms.live.service import LiveService
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.store import StreamStore

ROOT, STRANGER = Account(1, "root"), Account(2, "stranger")
NOW = 1_700_000_000


async def publish(
    service: LiveService, stream: str = "stream", query: str = "", **kwargs: object
) -> PublishGrant:
    fields = {"hub": "live", "domain": None, "client_addr": "192.0.2.1:4000", "now": NOW, **kwargs}
    return await service.authorize_publish(PublishAttempt(stream=stream, query=query, **fields))  # type: ignore[arg-type]


async def refusal(service: LiveService, stream: str = "stream", query: str = "", **kwargs: object) -> str:
    with pytest.raises(PublishRefused) as caught:
        await publish(service, stream, query, **kwargs)
    return caught.value.reason


def nonce_query(nonce: int, key: str = "k", stream: str = "stream") -> str:
    return f"nonce={nonce}&token={sign(f'/live/{stream}?nonce={nonce}', key)}"


async def test_the_first_publish_creates_the_stream(service: LiveService):
    assert await publish(service) == PublishGrant("live", "stream", takeover=False, grace_seconds=10.0)
    stream, _ = await service.streams.info(ROOT.id, "live", "stream")
    assert stream.created_at == NOW


async def test_a_refused_publish_creates_nothing(service: LiveService):
    await service.hubs.set_security(ROOT.id, "live", PublishSecurity.STATIC, "k")
    assert await refusal(service, query="key=wrong") == "key_mismatch"
    with pytest.raises(StreamNotFound):
        await service.streams.info(ROOT.id, "live", "stream")
    assert (await publish(service, query="key=k")).stream == "stream"


async def test_a_hub_that_creates_no_streams(service: LiveService):
    await service.hubs.change(ROOT.id, "live", auto_create=False)
    assert await refusal(service) == "stream_not_found"
    await service.streams.create(ROOT.id, "live", "stream")
    assert (await publish(service)).stream == "stream"


async def test_the_hub_says_what_happens_to_a_second_publisher(service: LiveService):
    await service.hubs.change(
        ROOT.id, "live", second_publisher=SecondPublisher.TAKEOVER.value, grace_seconds=2.5
    )
    assert await publish(service) == PublishGrant("live", "stream", takeover=True, grace_seconds=2.5)


async def test_names_and_hubs(service: LiveService):
    assert await refusal(service, hub="nowhere") == "hub_not_found"
    assert await refusal(service, "abc") == "bad_stream_name"
    assert await refusal(service, "../../etc") == "bad_stream_name"


async def test_domains(service: LiveService):
    await service.hubs.create(ROOT.id, "other")
    await service.domains.bind(ROOT.id, "live", "push.example.com", DomainType.PUBLISH_RTMP)
    await service.domains.bind(ROOT.id, "live", "play.example.com", DomainType.LIVE_RTMP)
    for domain in ("push.example.com", "PUSH.example.com:1935", "127.0.0.1", "unbound.example.com"):
        assert (await publish(service, domain=domain)).hub == "live"
    assert await refusal(service, domain="play.example.com") == "domain_wrong_type"
    assert await refusal(service, hub="other", domain="push.example.com") == "domain_not_bound"


async def test_expiry_sk_takes_any_enabled_pair_of_the_hubs_account(service: LiveService, keys):
    await service.hubs.set_security(ROOT.id, "live", PublishSecurity.EXPIRY_SK, "")
    keys.add("one", "s1")
    keys.add("two", "s2")
    keys.add("off", "s3", enabled=False)
    keys.add("theirs", "s4", STRANGER)

    def query(access_key: str, secret: str) -> str:
        return f"e={NOW + 60}&token={access_key}:{sign(f'/live/stream?e={NOW + 60}', secret)}"

    assert await publish(service, query=query("one", "s1"))
    assert await publish(service, query=query("two", "s2"))
    for access_key, secret in (("off", "s3"), ("theirs", "s4"), ("nobody", "s5"), ("one", "s2")):
        assert await refusal(service, query=query(access_key, secret)) == "token_mismatch"


async def test_a_streams_own_security_beats_its_hubs(service: LiveService):
    await service.streams.create(ROOT.id, "live", "stream")
    await service.streams.set_security(ROOT.id, "live", "stream", PublishSecurity.STATIC, "own")
    assert await refusal(service) == "key_missing"
    assert await publish(service, query="key=own")
    assert await publish(service, "another")


class TestDisabled:
    @pytest.mark.parametrize("till", [FOREVER, NOW + 1])
    async def test_nobody_may_publish(self, service: LiveService, till: int):
        await service.streams.create(ROOT.id, "live", "stream")
        await service.streams.disable(ROOT.id, "live", "stream", till)
        assert await refusal(service) == "stream_disabled"
        assert (await service.snapshot()).is_banned("live", "stream", NOW)

    async def test_a_ban_that_comes_while_a_publisher_is_let_in(
        self, service: LiveService, monkeypatch: pytest.MonkeyPatch
    ):
        ensure = StreamStore.ensure

        async def ensure_and_ban(store: StreamStore, stream: Stream) -> None:
            await ensure(store, stream)
            await service.streams.disable(ROOT.id, "live", "stream", FOREVER)

        monkeypatch.setattr(StreamStore, "ensure", ensure_and_ban)
        assert await refusal(service) == "stream_disabled"

    async def test_it_ends_by_itself_or_by_command(self, service: LiveService):
        await service.streams.create(ROOT.id, "live", "stream")
        await service.streams.disable(ROOT.id, "live", "stream", NOW)
        assert await publish(service)
        await service.streams.disable(ROOT.id, "live", "stream", FOREVER)
        await service.streams.disable(ROOT.id, "live", "stream", 0)
        assert await publish(service)

    async def test_who_is_there_is_cut(self, service: LiveService, board):
        await service.streams.create(ROOT.id, "live", "stream")
        await service.streams.disable(ROOT.id, "live", "stream", FOREVER)
        await service.streams.disable(ROOT.id, "live", "stream", 0)
        assert board.cuts == [("live", "stream", "stream_disabled")]


class TestDynamic:
    @pytest.fixture(autouse=True)
    async def dynamic(self, service: LiveService) -> None:
        await service.hubs.set_security(ROOT.id, "live", PublishSecurity.DYNAMIC, "k")

    async def test_a_nonce_must_grow(self, service: LiveService):
        assert await publish(service, query=nonce_query(5))
        assert await refusal(service, query=nonce_query(5)) == "nonce_used"
        assert await refusal(service, query=nonce_query(4)) == "nonce_used"
        assert await publish(service, query=nonce_query(6))

    async def test_it_is_per_stream(self, service: LiveService):
        assert await publish(service, query=nonce_query(5))
        assert await publish(service, "another", nonce_query(5, stream="another"))

    async def test_of_many_with_the_same_nonce_one_gets_in(self, service: LiveService):
        attempts = [publish(service, query=nonce_query(7)) for _ in range(5)]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        assert sum(isinstance(result, PublishGrant) for result in results) == 1

    async def test_a_replay_after_a_restart_is_refused(self, service: LiveService, accounts, keys, board):
        assert await publish(service, query=nonce_query(5))
        after = LiveService(LiveSettings(), accounts, keys, board, node="here")
        await after.open(ROOT)
        assert await refusal(after, query=nonce_query(5)) == "nonce_used"
        await after.close()

    async def test_a_forged_nonce_is_not_used_up(self, service: LiveService):
        assert await refusal(service, query=nonce_query(9, key="wrong")) == "token_mismatch"
        assert await publish(service, query=nonce_query(9))


class TestWithoutTheDatabase:
    @pytest.fixture
    def away(self, service: LiveService, accounts: Database, monkeypatch: pytest.MonkeyPatch):
        """Call it, and the database is gone; undo with `monkeypatch.undo()`."""

        @asynccontextmanager
        async def session(**kwargs: object) -> AsyncIterator[None]:
            raise DatabaseUnavailableError
            yield

        return lambda: monkeypatch.setattr(accounts, "session", session)

    async def test_a_new_stream_is_let_in_and_created_afterwards(
        self, service: LiveService, away, monkeypatch: pytest.MonkeyPatch
    ):
        away()
        assert await publish(service)
        service.publish_started(
            LivePublisher("live", "stream", "session", "192.0.2.1:4000", "192.0.2.9:1935", NOW)
        )
        assert not await service.history_writer.flush()
        monkeypatch.undo()
        assert await service.history_writer.flush()
        stream, _ = await service.streams.info(ROOT.id, "live", "stream")
        assert stream.published_at == NOW
        assert [each.id for each in await service.streams.history(ROOT.id, "live", "stream", 0, 0)] == [
            "session"
        ]

    async def test_what_is_disabled_or_guarded_stays_so(self, service: LiveService, away):
        for name in ("banned", "guarded"):
            await service.streams.create(ROOT.id, "live", name)
        await service.streams.disable(ROOT.id, "live", "banned", FOREVER)
        await service.streams.set_security(ROOT.id, "live", "guarded", PublishSecurity.STATIC, "own")
        away()
        assert await refusal(service, "banned") == "stream_disabled"
        assert await refusal(service, "guarded") == "key_missing"
        assert await publish(service, "guarded", "key=own")

    async def test_once_that_is_known_nobody_waits_for_it(
        self, service: LiveService, away, monkeypatch: pytest.MonkeyPatch
    ):
        away()
        await service.hubs._cache.changed()
        monkeypatch.setattr(StreamStore, "find", None)
        assert await publish(service)
        monkeypatch.undo()
        await service.hubs._cache.changed()
        assert not service.hubs._cache.database_away

    async def test_a_nonce_cannot_be_used_up_and_is_refused(self, service: LiveService, away):
        await service.hubs.set_security(ROOT.id, "live", PublishSecurity.DYNAMIC, "k")
        away()
        assert await refusal(service, query=nonce_query(5)) == "unavailable"

    async def test_a_hub_that_creates_no_streams_lets_in_those_it_has_seen(self, service: LiveService, away):
        await service.hubs.change(ROOT.id, "live", auto_create=False)
        await service.streams.create(ROOT.id, "live", "stream")
        await publish(service)
        away()
        assert await publish(service)
        assert await refusal(service, "never-seen") == "unavailable"
