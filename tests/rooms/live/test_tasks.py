"""What goes on by itself in the live room."""

import pytest

from oxbow.kernel.tasks import TaskKind
from oxbow.rooms.live import tasks
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.service import LiveService
from oxbow.testing.tasks import InlineContext

from .conftest import ROOT

DAY = 86_400
EVERYTHING = {"live_only": False, "prefix": "", "after": "", "limit": 9}


async def test_streams_that_nobody_used_for_long_are_cleared_away(service: LiveService, clock):
    await service.streams.create(ROOT.id, "live", "stream")
    service.publish_started(LivePublisher("live", "used", "a", "", "", clock.now))
    service.publish_ended("a", clock.now + 1)
    await service.history_writer.flush()
    clock.now += 15 * DAY
    context = InlineContext()
    await service.tidying.run(context)
    assert await service.streams.page(ROOT.id, "live", **EVERYTHING) == ["used"]
    assert context.shown[-1] == (1.0, "1 expired streams cleared away")


async def test_old_history_is_forgotten(service: LiveService, clock):
    service.publish_started(LivePublisher("live", "used", "a", "", "", clock.now))
    service.publish_ended("a", clock.now + 1)
    await service.history_writer.flush()
    clock.now += 366 * DAY
    await service.streams.create(ROOT.id, "live", "used-again")
    await service.tidying.run(InlineContext())
    assert await service.streams.page(ROOT.id, "live", **EVERYTHING) == ["used-again"]


async def test_many_are_cleared_some_at_a_time(service: LiveService, clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    for number in range(5):
        await service.streams.create(ROOT.id, "live", f"stream-{number}")
    clock.now += 15 * DAY
    context = InlineContext()
    await service.tidying.run(context)
    assert await service.streams.page(ROOT.id, "live", **EVERYTHING) == []
    assert context.steps.count("clear expired streams") == 4


async def test_a_ban_that_is_over_is_lifted(service: LiveService, clock):
    await service.streams.create(ROOT.id, "live", "banned")
    await service.streams.disable(ROOT.id, "live", "banned", int(clock.now) + 60)
    clock.now += 61
    await service.tidying.run(InlineContext())
    stream, _ = await service.streams.info(ROOT.id, "live", "banned")
    assert stream.disabled_till == 0


def test_it_is_done_once_an_hour_by_one_server_at_a_time(service: LiveService):
    kind: TaskKind = service.tidying.kind
    assert (kind.every_seconds, kind.concurrency) == (3600.0, 1)
