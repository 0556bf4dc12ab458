"""Which servers live, on each database that Oxbow supports."""

from dataclasses import dataclass

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.tasks.presence import Presence


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def watcher(database: Database, clock: Clock) -> Presence:
    watcher = Presence(database, "watcher", 10.0, clock)
    await watcher.beat()
    return watcher


@pytest.fixture
async def other(database: Database, clock: Clock) -> Presence:
    other = Presence(database, "other", 10.0, clock)
    await other.beat()
    return other


async def test_one_that_beats_lives(watcher, other, clock):
    for _ in range(5):
        assert await watcher.gone() == []
        await other.beat()
        clock.now += 9.0


async def test_one_that_is_silent_for_long_enough_is_gone(watcher, other, clock):
    assert await watcher.gone() == []
    clock.now += 9.9
    assert await watcher.gone() == []
    clock.now += 0.1
    assert await watcher.gone() == ["other"]


async def test_a_watcher_that_slept_itself_first_looks_again(watcher, other, clock):
    assert await watcher.gone() == []
    await other.beat()
    clock.now += 60.0
    assert await watcher.gone() == []


async def test_one_that_was_forgotten_may_come_back(watcher, other, clock):
    await watcher.gone()
    clock.now += 10.0
    await watcher.forget("other")
    assert await watcher.gone() == []
    await other.beat()
    assert await watcher.gone() == []
    clock.now += 10.0
    assert await watcher.gone() == ["other"]
