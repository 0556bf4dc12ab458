"""Counting, on each database: once, whatever dies or is told again, and right at every step."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from kernel.metering.conftest import SHANGHAI, Clock, MakeService, at
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.metering import Condition, MeteringService, Question, Step, Usage
from oxbow.kernel.metering.tables import RecordRow
from waiting import soon

LONG_AGO, FAR_AHEAD = 0.0, at("2100-01-01 00:00")


async def total(service: MeteringService, meter: str = "test.flow", account: int = 1) -> int:
    """Everything that an account ever used."""
    begin = at("2025-01-01 00:00")
    figures = await service.reader.ask(Question(account, meter, begin, FAR_AHEAD, Step.MONTH))
    return sum(sums.get("", 0) for sums in figures.sums)


async def ask(
    service: MeteringService, begin: str, end: str, step: Step, zone: ZoneInfo = SHANGHAI, **more: object
) -> dict[str, dict[str, int]]:
    """What an account used of the flow, by the local time of each bucket; buckets without usage left out."""
    question = Question(1, "test.flow", at(begin, zone), at(end, zone), step, **more)  # type: ignore[arg-type]
    figures = await service.reader.ask(question)
    moments = [datetime.fromtimestamp(start, zone).isoformat()[:16] for start in figures.starts]
    return {moment: sums for moment, sums in zip(moments, figures.sums, strict=True) if sums}


class TestCounting:
    async def test_what_is_added_is_there_after_the_flush(self, service: MeteringService):
        service.add("test.flow", 1, at("2026-03-01 10:01"), 100, {"hub": "a", "area": "cn"})
        service.add("test.flow", 1, at("2026-03-01 10:04"), 11, {"hub": "a", "area": "cn"})
        service.add("test.flow", 1, at("2026-03-01 10:05"), 7, {"hub": "b"})
        assert (service.pending, await total(service)) == (2 + 0, 0)
        assert await service.flush()
        assert (service.pending, service.flushed, await total(service)) == (0, 2, 118)
        begin, end = "2026-03-01 10:00", "2026-03-01 10:10"
        assert await ask(service, begin, end, Step.FIVE_MINUTES) == {
            "2026-03-01T10:00": {"": 111},
            "2026-03-01T10:05": {"": 7},
        }

    async def test_accounts_and_meters_are_counted_apart(self, service: MeteringService):
        moment = at("2026-03-01 10:00")
        service.add("test.flow", 1, moment, 5, {})
        service.add("test.flow", 2, moment, 70, {})
        service.add("test.jobs", 1, moment, 900, {})
        await service.flush()
        assert [await total(service, account=account) for account in (1, 2, 3)] == [5, 70, 0]
        assert await total(service, "test.jobs") == 900

    async def test_a_meter_nobody_declared_is_a_mistake(self, service: MeteringService):
        with pytest.raises(KeyError):
            service.add("test.unknown", 1, 0, 1, {})
        with pytest.raises(ValueError, match=r"test\.flow is declared twice"):
            service.register([service.meters["test.flow"]])

    async def test_an_event_counts_once_however_often_it_is_told(self, make_service: MakeService):
        one, other = make_service(), make_service()
        used = [Usage("test.jobs", 1, at("2026-03-01 10:00"), 3, {"hub": "a"})]
        assert await one.record("test.job-1", used)
        assert not await one.record("test.job-1", used)
        assert not await other.record("test.job-1", used)
        assert await other.record("test.job-2", used)
        assert await total(one, "test.jobs") == 6

    async def test_the_same_event_told_by_two_servers_at_once_counts_once(self, make_service: MakeService):
        servers = [make_service() for _ in range(4)]
        used = [Usage("test.jobs", 1, at("2026-03-01 10:00"), 3, {"hub": f"h{n}"}) for n in range(20)]
        told = await asyncio.gather(*[server.record("test.job", used) for server in servers])
        assert sorted(told) == [False, False, False, True]
        assert await total(servers[0], "test.jobs") == 60

    async def test_a_flush_larger_than_one_transaction(
        self, service: MeteringService, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("oxbow.kernel.metering.service.EVENT_ENTRIES", 7)
        for number in range(50):
            service.add("test.flow", 1, at("2026-03-01 10:00") + 300 * number, 1, {"hub": f"h{number % 3}"})
        await service.flush()
        assert await total(service) == 50

    async def test_it_flushes_by_itself_and_once_more_at_the_end(self, make_service: MakeService):
        service = make_service(flush_seconds=0.1)
        await service.open()
        service.add("test.flow", 1, at("2026-03-01 10:00"), 5, {})
        await soon(lambda: not service.pending)
        service.add("test.flow", 1, at("2026-03-01 10:00"), 6, {})
        await service.close()
        assert await total(service) == 11


class Fate:
    """What happens around a transaction: it may not reach the database, or its answer may be lost."""

    def __init__(self, service: MeteringService) -> None:
        self._write = service.store.write
        self.before: Callable[[], bool] = lambda: False
        self.after: Callable[[], bool] = lambda: False
        service.store.write = self.write  # type: ignore[method-assign]

    async def write(self, event, now):
        if self.before():
            raise DatabaseUnavailableError
        written = await self._write(event, now)
        if self.after():
            raise DatabaseUnavailableError
        return written


class TestFaults:
    async def test_what_could_not_be_written_waits(self, service: MeteringService):
        fate = Fate(service)
        fate.before = lambda: True
        service.add("test.flow", 1, at("2026-03-01 10:00"), 5, {})
        assert not await service.flush()
        service.add("test.flow", 1, at("2026-03-01 10:00"), 6, {})
        assert not await service.flush()
        assert service.pending == 2
        fate.before = lambda: False
        assert await service.flush()
        assert await total(service) == 11

    async def test_what_was_written_without_an_answer_is_not_written_again(self, service: MeteringService):
        fate = Fate(service)
        fate.after = lambda: True
        service.add("test.flow", 1, at("2026-03-01 10:00"), 5, {})
        assert not await service.flush()
        service.add("test.flow", 1, at("2026-03-01 10:00"), 6, {})
        fate.after = lambda: False
        assert await service.flush()
        assert await total(service) == 11

    async def test_a_flush_that_is_cancelled_is_finished_later(self, service: MeteringService):
        service.add("test.flow", 1, at("2026-03-01 10:00"), 5, {})
        for ticks in range(6):
            flush = asyncio.create_task(service.flush())
            for _ in range(ticks):
                await asyncio.sleep(0)
            flush.cancel()
            with suppress(asyncio.CancelledError):
                await flush
        await service.flush()
        assert await total(service) == 5

    @pytest.mark.parametrize("seed", range(3))
    async def test_whatever_happens_the_sum_is_that_of_what_was_not_lost(
        self, make_service: MakeService, seed: int
    ):
        """Three servers count at random; they are killed, cut off, and left without answers."""
        chance = random.Random(seed)
        servers = [make_service() for _ in range(3)]
        fates = [Fate(server) for server in servers]
        unwritten = [Counter[str]() for _ in servers]
        expected = Counter[str]()
        for _ in range(60):
            index = chance.randrange(3)
            server = servers[index]
            for _ in range(chance.randrange(8)):
                quantity, hub = chance.randrange(10**12), f"h{chance.randrange(4)}"
                moment = at("2026-02-27 00:00") + chance.randrange(4 * 86_400)
                server.add("test.flow", 1, moment, quantity, {"hub": hub, "area": chance.choice("xyz")})
                unwritten[index][hub] += quantity
            lost_before, lost_after = chance.random() < 0.3, chance.random() < 0.3
            fates[index].before, fates[index].after = (lambda b=lost_before: b), (lambda a=lost_after: a)
            if await server.flush():
                expected += unwritten[index]
                unwritten[index].clear()
            elif chance.random() < 0.2:  # Killed: what reached the database counts, the rest is lost.
                expected += await self.reached(server, unwritten[index])
                unwritten[index].clear()
                servers[index] = make_service()
                fates[index] = Fate(servers[index])
        for index, server in enumerate(servers):
            fates[index].before = fates[index].after = lambda: False
            assert await server.flush()
            expected += unwritten[index]
        found = Counter[str]()
        question = Question(1, "test.flow", at("2026-02-01 00:00"), FAR_AHEAD, Step.DAY, group="hub")
        for sums in (await servers[0].reader.ask(question)).sums:
            found.update(sums)
        assert found == expected

    async def reached(self, server: MeteringService, unwritten: Counter[str]) -> Counter[str]:
        """What of a killed server's usage is in the database."""
        event = server._in_flight
        assert event is not None
        async with server.store._database.session(readonly=True) as session:
            query = select(func.count()).select_from(RecordRow).where(RecordRow.event == event.id)
            if not await session.scalar(query):
                return Counter()
        return Counter({
            hub: sum(q for ((_, _, (name, _)), _), q in event.entries.items() if name == hub)
            for hub in unwritten
        })  # fmt: skip


class TestQuestions:
    @pytest.fixture
    async def filled(self, service: MeteringService) -> MeteringService:
        """Powers of ten, so that every sum shows what is in it."""
        for quantity, moment, hub, area in (
            (1, "2026-02-28 23:59", "a", "cn"),
            (10, "2026-03-01 00:00", "a", "cn"),
            (100, "2026-03-01 00:04", "a", "hk"),
            (1000, "2026-03-01 09:30", "b", "hk"),
            (10_000, "2026-03-01 23:55", "b", ""),
            (100_000, "2026-03-02 00:00", "b", "cn"),
        ):
            service.add("test.flow", 1, at(moment), quantity, {"hub": hub, "area": area})
        await service.flush()
        return service

    async def test_by_each_step(self, filled: MeteringService):
        begin, end = "2026-02-01 00:00", "2026-03-10 00:00"
        assert await ask(filled, begin, end, Step.MONTH) == {
            "2026-02-01T00:00": {"": 1},
            "2026-03-01T00:00": {"": 111_110},
        }
        assert await ask(filled, begin, end, Step.DAY) == {
            "2026-02-28T00:00": {"": 1},
            "2026-03-01T00:00": {"": 11_110},
            "2026-03-02T00:00": {"": 100_000},
        }
        hours = await ask(filled, begin, end, Step.HOUR)
        assert {moment[5:13]: sums[""] for moment, sums in hours.items()} == {
            "02-28T23": 1,
            "03-01T00": 110,
            "03-01T09": 1000,
            "03-01T23": 10_000,
            "03-02T00": 100_000,
        }

    async def test_the_end_does_not_belong_to_the_period(self, filled: MeteringService):
        assert await ask(filled, "2026-03-01 00:00", "2026-03-02 00:00", Step.DAY) == {
            "2026-03-01T00:00": {"": 11_110}
        }

    async def test_a_period_that_begins_and_ends_within_buckets(self, filled: MeteringService):
        assert await ask(filled, "2026-02-28 12:00", "2026-03-01 09:31", Step.DAY) == {
            "2026-02-28T00:00": {"": 1},
            "2026-03-01T00:00": {"": 1110},
        }
        assert await ask(filled, "2026-03-01 00:05", "2026-03-02 00:00", Step.MONTH) == {
            "2026-03-01T00:00": {"": 11_000}
        }

    async def test_conditions_and_groups(self, filled: MeteringService):
        day = "2026-03-01 00:00", "2026-03-02 00:00", Step.DAY

        async def one(group: str | None = None, *conditions: Condition) -> dict[str, int]:
            return (await ask(filled, *day, group=group, conditions=conditions)).get("2026-03-01T00:00", {})

        assert await one("hub") == {"a": 110, "b": 11_000}
        assert await one("area") == {"cn": 10, "hk": 1100, "": 10_000}
        assert await one(None, Condition("area", only=frozenset({"cn", "hk"}))) == {"": 1110}
        assert await one(None, Condition("area", never=frozenset({"cn", "hk"}))) == {"": 10_000}
        not_cn = Condition("area", never=frozenset({"cn"}))
        assert await one("hub", not_cn, Condition("hub", only=frozenset({"b"}))) == {"b": 11_000}
        assert await one(None, Condition("hub", only=frozenset({"nobody"}))) == {}

    async def test_many_series_are_picked_out_in_memory(
        self, filled: MeteringService, monkeypatch: pytest.MonkeyPatch
    ):
        for module in ("store", "reader"):
            monkeypatch.setattr(f"oxbow.kernel.metering.{module}.FEW_SERIES", 1)
        await self.test_conditions_and_groups(filled)

    async def test_the_future_is_not_asked(self, filled: MeteringService, clock: Clock):
        question = Question(1, "test.flow", at("2026-03-14 00:00"), FAR_AHEAD, Step.DAY)
        assert len((await filled.reader.ask(question)).starts) == 2
        question = Question(1, "test.flow", clock.now + 1, FAR_AHEAD, Step.DAY)
        assert (await filled.reader.ask(question)).starts == []

    async def test_berlin(self, make_service: MakeService, clock: Clock):
        berlin = ZoneInfo("Europe/Berlin")
        service = make_service(berlin)
        clock.now = at("2026-11-01 00:00", berlin)
        begin = at("2026-10-25 00:00", berlin)
        for hour in range(25):
            service.add("test.flow", 1, begin + 3600 * hour, 1, {})
        service.add("test.flow", 1, begin + 3600 * 25, 1000, {})
        await service.flush()
        days = await ask(service, "2026-10-24 00:00", "2026-10-27 00:00", Step.DAY, berlin)
        assert days == {"2026-10-25T00:00": {"": 25}, "2026-10-26T00:00": {"": 1000}}
        figures = await service.reader.ask(
            Question(1, "test.flow", begin, at("2026-10-26 00:00", berlin), Step.HOUR)
        )
        assert [sums[""] for sums in figures.sums] == [1] * 25


class TestForgetting:
    async def test_details_go_and_days_stay(
        self, make_service: MakeService, clock: Clock, database: Database
    ):
        service = make_service(five_minute_days=5, hour_days=10, record_days=7)
        for day in range(1, 15):
            service.add("test.flow", 1, at(f"2026-03-{day:02} 10:07"), 1, {})
        await service.flush()
        clock.now += 86_400
        await service.prune()
        begin, end = "2026-03-01 00:00", "2026-03-15 00:00"
        assert len(await ask(service, begin, end, Step.DAY)) == 14
        # It is noon of the 16th; a day more than is promised is still there.
        assert min(await ask(service, "2026-03-05 00:00", end, Step.HOUR)) == "2026-03-06T10:00"
        async with database.session(readonly=True) as session:
            assert await session.scalar(select(func.count()).select_from(RecordRow)) == 1
        clock.now += 8 * 86_400
        await service.prune()
        async with database.session(readonly=True) as session:
            assert await session.scalar(select(func.count()).select_from(RecordRow)) == 0

    async def test_where_details_are_gone_whole_hours_and_days_count(
        self, make_service: MakeService, clock: Clock
    ):
        service = make_service(five_minute_days=5, hour_days=10)
        for day in (2, 7, 14):
            service.add("test.flow", 1, at(f"2026-03-{day:02} 10:03"), 1, {})
            service.add("test.flow", 1, at(f"2026-03-{day:02} 10:30"), 10, {})
            service.add("test.flow", 1, at(f"2026-03-{day:02} 11:00"), 100, {})
        await service.flush()
        await service.prune()
        found = [
            await ask(service, f"2026-03-{day} 10:30", f"2026-03-{day} 10:40", Step.DAY)
            for day in ("02", "07", "14")
        ]
        assert [sum(sums[""] for sums in answer.values()) for answer in found] == [111, 11, 10]
