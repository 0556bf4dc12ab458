"""Accounts and key pairs, on both backends."""

import asyncio

import pytest

from oxbow.kernel.accounts import AccountService, AccountStore, KeyPair
from oxbow.kernel.accounts.errors import KeyNotFound, LastKey, TooManyKeys
from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.accounts.models import KEYS_LIMIT
from oxbow.kernel.database import DatabaseUnavailableError, remembered
from oxbow.kernel.settings import KernelSettings

CONFIGURED = {"root_access_key": "configured-ak", "root_secret_key": "configured-secret-key"}


@pytest.fixture
def settings(tmp_path):
    return KernelSettings(home=tmp_path)


@pytest.fixture
def service(database):
    return AccountService(AccountStore(database), clock=lambda: 1_700_000_000.5)


async def test_the_first_start_makes_a_random_pair(service, settings):
    root = await service.open(settings)
    (pair,) = await service.keys(root)
    assert (len(pair.access_key), len(pair.secret_key)) == (40, 40)
    assert (pair.enabled, pair.created_at) == (True, 1_700_000_000)
    assert pair.secret_key not in repr(pair)


async def test_later_starts_keep_it(service, settings):
    root = await service.open(settings)
    before = await service.keys(root)
    assert await service.open(settings) == root
    assert await service.keys(root) == before


async def test_two_servers_that_start_at_once_make_one_pair(service, settings):
    first, second = await asyncio.gather(service.open(settings), service.open(settings))
    assert first == second
    assert len(await service.keys(first)) == 1


async def test_the_configured_pair_is_used_instead(service, settings):
    root = await service.open(KernelSettings(**CONFIGURED))
    assert [(p.access_key, p.secret_key) for p in await service.keys(root)] == [
        ("configured-ak", "configured-secret-key")
    ]


async def test_a_pair_configured_later_is_added_updated_and_enabled(service, settings):
    root = await service.open(settings)
    await service.open(KernelSettings(**CONFIGURED))
    await service.set_enabled(root, "configured-ak", False)
    await service.open(KernelSettings(**CONFIGURED | {"root_secret_key": "another-secret-key"}))
    (generated, configured) = sorted(await service.keys(root), key=lambda p: p.access_key == "configured-ak")
    assert generated.enabled
    assert (configured.secret_key, configured.enabled) == ("another-secret-key", True)


async def test_a_pair_can_be_disabled_enabled_and_deleted(service, settings):
    root = await service.open(settings)
    pair = await service.create_key(root, "for the encoder")
    assert pair.note == "for the encoder"
    await service.set_enabled(root, pair.access_key, False)
    assert (await service.ring.find(pair.access_key)).enabled is False
    await service.set_enabled(root, pair.access_key, True)
    assert (await service.ring.find(pair.access_key)).enabled is True
    await service.delete_key(root, pair.access_key)
    assert await service.ring.find(pair.access_key) is None


async def test_the_last_enabled_pair_stays(service, settings):
    root = await service.open(settings)
    (last,) = await service.keys(root)
    disabled = await service.create_key(root)
    await service.set_enabled(root, disabled.access_key, False)
    with pytest.raises(LastKey):
        await service.set_enabled(root, last.access_key, False)
    with pytest.raises(LastKey):
        await service.delete_key(root, last.access_key)
    await service.delete_key(root, disabled.access_key)


async def test_two_requests_cannot_disable_the_last_two(service, settings):
    root = await service.open(settings)
    await service.create_key(root)
    both = [pair.access_key for pair in await service.keys(root)]
    results = await asyncio.gather(
        *(service.set_enabled(root, key, False) for key in both), return_exceptions=True
    )
    assert sorted(type(result) for result in results if result) == [LastKey]


async def test_unknown_pairs(service, settings):
    root = await service.open(settings)
    for action in (service.set_enabled(root, "nobody", True), service.delete_key(root, "nobody")):
        with pytest.raises(KeyNotFound):
            await action


async def test_a_pair_of_another_account_is_unknown(service, database, settings):
    root = await service.open(settings)
    other = await AccountStore(database).ensure_account("other", 1)
    pair = await service.create_key(other)
    with pytest.raises(KeyNotFound):
        await service.delete_key(root, pair.access_key)


async def test_the_number_of_pairs_is_bounded(sqlite_database, settings):
    store = AccountStore(sqlite_database)
    root = await AccountService(store).open(settings)
    for number in range(KEYS_LIMIT - 1):
        await store.add(KeyPair(f"ak{number}", "sk", root, True, "", 1))
    with pytest.raises(TooManyKeys):
        await store.add(KeyPair("one-more", "sk", root, True, "", 1))


class FakeStore:
    """A store whose database can go away, or hang."""

    def __init__(self) -> None:
        self.pairs: list[KeyPair] = []
        self.reads = 0
        self.away = False
        self.answering = asyncio.Event()
        self.answering.set()

    async def keys(self) -> list[KeyPair]:
        self.reads += 1
        await self.answering.wait()
        if self.away:
            raise DatabaseUnavailableError
        return self.pairs


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake():
    return FakeStore()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ring(fake, clock):
    fake.pairs = [KeyPair("ak", "sk", None, True, "", 1)]
    return KeyRing(fake, clock)


async def test_the_database_is_asked_at_most_once_a_second(ring, fake, clock):
    await asyncio.gather(*(ring.find(key) for key in ["ak", "ak", "unknown"]))
    await ring.find("unknown")
    assert fake.reads == 1
    clock.now += remembered.FRESH_SECONDS
    fake.pairs = []
    assert await ring.find("ak") is None
    assert fake.reads == 2


async def test_known_keys_go_on_working_while_the_database_is_away(ring, fake, clock):
    await ring.find("ak")
    fake.away = True
    clock.now += 10
    assert (await ring.find("ak")).secret_key == "sk"
    assert (await ring.find("ak")).secret_key == "sk"
    assert fake.reads == 2
    fake.away, fake.pairs = False, []
    clock.now += remembered.FRESH_SECONDS
    assert await ring.find("ak") is None


async def test_a_database_that_hangs_does_not_hold_up_signatures(ring, fake, clock, monkeypatch):
    monkeypatch.setattr(remembered, "PATIENCE_SECONDS", 0.01)
    await ring.find("ak")
    fake.answering.clear()
    clock.now += 10
    assert (await ring.find("ak")).secret_key == "sk"
    fake.pairs = []
    fake.answering.set()
    clock.now += remembered.FRESH_SECONDS
    assert await ring.find("ak") is None


async def test_without_ever_having_read_the_keys_there_is_no_answer(ring, fake):
    fake.away = True
    with pytest.raises(DatabaseUnavailableError):
        await ring.find("ak")
