"""Control and its workers, over the real socket: who may publish, and what is known of it afterwards."""

import asyncio

import pytest

from oxbow.kernel.refusals.models import Refusal
from oxbow.rooms.live import board as board_module
from oxbow.rooms.live.control import link as link_module
from oxbow.rooms.live.control import server as server_module
from oxbow.rooms.live.control.messages import (
    PublishEnded,
    Report,
    StreamReport,
)
from oxbow.rooms.live.policy import PublishRefused
from oxbow.rooms.live.snapshot import HubConfig
from reports import report_of, viewers_of
from waiting import soon

from .conftest import House


class TestConfiguration:
    """What the workers decide with."""

    async def test_a_worker_is_told_when_it_connects_and_at_every_change(self, house: House) -> None:
        worker = await house.worker()
        assert worker.configured[0].hubs == {}
        house.authority.hubs["new"] = HubConfig("new", 10.0)
        house.authority.changed()
        await soon(lambda: len(worker.configured) == 2)
        assert worker.configured[1].hubs["new"].grace_seconds == 10.0

    async def test_workers_are_known_by_index_and_process(self, house: House) -> None:
        await house.worker(1)
        zero = await house.worker(0)
        assert [(w.index, w.pid) for w in house.control.workers] == [(0, 1000), (1, 1001)]
        zero.report()
        await soon(lambda: house.control.workers[0].connections == 3)

    async def test_the_socket_is_for_the_owner_only(self, house: House) -> None:
        assert house.path.stat().st_mode & 0o777 == 0o600


class TestPublishing:
    """One publisher a stream."""

    async def test_one_who_may_is_on_air_and_in_the_history(self, house: House) -> None:
        worker = await house.worker()
        answer = await worker.publish("first")
        assert (answer.refusal, answer.grace_seconds) == ("", 7.0)
        assert house.on_air() == "first"
        attempt = house.authority.attempts[0]
        assert (attempt.hub, attempt.stream, attempt.query) == ("hub", "stream", "token=x")
        assert (attempt.domain, attempt.client_addr) == ("push.example.com", "10.0.0.1:5000")
        worker.end(worker.publishers[0])
        await soon(lambda: house.on_air() is None)
        assert house.authority.history == [("started", "first"), ("ended", "first")]

    async def test_one_who_may_not_is_told_why(self, house: House) -> None:
        worker = await house.worker()
        house.authority.refusal = PublishRefused("token_expired", "the token has expired")
        answer = await worker.publish("first")
        assert (answer.refusal, answer.description) == ("token_expired", "the token has expired")
        assert (house.on_air(), house.authority.history) == (None, [])

    async def test_a_second_one_is_refused(self, house: House) -> None:
        worker, other = await house.worker(0), await house.worker(1)
        await worker.publish("first")
        worker.report()
        assert (await other.publish("second")).refusal == "already_publishing"
        assert house.on_air() == "first"
        assert (await other.publish("third", "another")).refusal == ""

    async def test_or_takes_over_where_the_hub_wants_it_so(self, house: House) -> None:
        worker, other = await house.worker(0), await house.worker(1)
        await worker.publish("first")
        house.authority.takeover = True
        assert (await other.publish("second")).refusal == ""
        assert [(cut.reason, cut.viewers) for cut in worker.cuts] == [("taken_over", False)]
        assert house.on_air() == "second"
        assert house.authority.history == [("started", "first"), ("ended", "first"), ("started", "second")]

    async def test_a_silent_publisher_gives_way(self, house: House) -> None:
        """Its encoder lost its network, and is back before the dead connection is noticed."""
        worker = await house.worker()
        await worker.publish("first")
        worker.report(silent_seconds=board_module.STALE_SECONDS + 0.1)
        assert (await worker.publish("second")).refusal == ""
        assert worker.cuts[0].reason == "stale"
        assert house.on_air() == "second"

    async def test_one_that_does_not_go_keeps_its_place(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(server_module, "DISPLACE_SECONDS", 0.05)
        worker = await house.worker()
        await worker.publish("first")
        house.authority.takeover, worker.yields = True, False
        assert (await worker.publish("second")).refusal == "already_publishing"
        assert house.on_air() == "first"

    async def test_one_whose_worker_dies_meanwhile_gives_way(self, house: House) -> None:
        worker, other = await house.worker(0), await house.worker(1)
        await worker.publish("first")
        house.authority.takeover, worker.yields = True, False
        asked = asyncio.create_task(other.publish("second"))
        await soon(lambda: worker.cuts)
        await worker.kill()
        assert (await asked).refusal == ""
        assert house.on_air() == "second"

    async def test_of_many_at_once_one_is_let_in(self, house: House) -> None:
        worker = await house.worker()
        answers = await asyncio.gather(*(worker.publish(f"session-{number}") for number in range(10)))
        assert sorted(answer.refusal for answer in answers) == ["", *["already_publishing"] * 9]

    async def test_one_that_gives_up_before_it_is_decided_leaves_no_ghost(self, house: House) -> None:
        """Otherwise the stream would be "published already" for ever."""
        worker = await house.worker()
        house.authority.open.clear()
        asked = asyncio.create_task(worker.publish("hasty"))
        await soon(lambda: house.authority.attempts)
        asked.cancel()
        worker.link.send(PublishEnded("hub", "stream", "hasty", "disconnected"))
        worker.report()
        await soon(lambda: house.control.workers[0].connections)
        house.authority.open.set()
        assert (await worker.publish("patient")).refusal == ""
        assert house.on_air() == "patient"
        assert house.authority.history == [("started", "patient")]


class TestCut:
    """The API takes a stream off the air."""

    async def test_publisher_and_viewers_go_on_every_worker(self, house: House) -> None:
        worker, other = await house.worker(0), await house.worker(1)
        await worker.publish("first")
        await house.board.cut("hub", "stream", "disabled")
        assert house.on_air() is None
        await soon(lambda: other.cuts)
        for cut in (*worker.cuts, *other.cuts):
            assert (cut.hub, cut.stream, cut.reason, cut.viewers) == ("hub", "stream", "disabled", True)

    async def test_a_stream_that_is_not_live_has_viewers_all_the_same(self, house: House) -> None:
        worker = await house.worker()
        await house.board.cut("hub", "waited-for", "disabled")
        await soon(lambda: worker.cuts)


class TestWorkersThatDie:
    """A worker's end is the end of its broadcasts."""

    async def test_its_broadcasts_are_closed_and_the_others_go_on(self, house: House) -> None:
        worker, other = await house.worker(0), await house.worker(1)
        await worker.publish("lost")
        await other.publish("kept", "another")
        await worker.kill()
        await soon(lambda: house.on_air() is None)
        assert house.on_air("another") == "kept"
        assert [w.index for w in house.control.workers] == [1]
        assert ("ended", "lost") in house.authority.history
        assert ("ended", "kept") not in house.authority.history

    async def test_a_successor_that_is_quicker_than_the_news_leaves_no_ghosts(self, house: House) -> None:
        worker = await house.worker()
        await worker.publish("lost")
        await house.worker(0)
        await soon(lambda: house.on_air() is None)
        assert house.authority.history == [("started", "lost"), ("ended", "lost")]
        await worker.kill()
        assert (await house.workers[1].publish("new")).refusal == ""

    async def test_one_that_dies_before_its_publisher_is_decided_leaves_no_ghost(self, house: House) -> None:
        worker, other = await house.worker(0), await house.worker(1)
        house.authority.open.clear()
        asked = asyncio.create_task(worker.publish("lost"))
        await soon(lambda: house.authority.attempts)
        await worker.kill()
        await soon(lambda: len(house.control.workers) == 1)
        house.authority.open.set()
        assert (await other.publish("new")).refusal == ""
        assert house.authority.history == [("started", "new")]
        asked.cancel()

    async def test_gibberish_ends_the_connection_and_nothing_else(self, house: House) -> None:
        worker = await house.worker(1)
        reader, writer = await asyncio.open_unix_connection(str(house.path))
        writer.write(b"\x00\x00\x00\x05hello")
        assert await reader.read() == b""
        writer.close()
        reader, writer = await asyncio.open_unix_connection(str(house.path))
        writer.write(b"\xff\xff\xff\xff")
        assert await reader.read() == b"", "so much is never waited for"
        writer.close()
        assert (await worker.publish("first")).refusal == ""


class TestControlThatIsRestarted:
    """Media goes on without it."""

    async def test_the_link_comes_back_and_says_what_is_on_air(self, house: House) -> None:
        worker = await house.worker()
        await worker.publish("first")
        await house.control.close()
        assert house.authority.history[-1] == ("ended", "first")
        await house.open()
        await soon(house.on_air)
        assert house.on_air() == "first"
        assert house.authority.history[-1] == ("started", "first")
        assert (await worker.publish("second")).refusal == "already_publishing"

    async def test_who_asks_meanwhile_is_answered_afterwards(self, house: House) -> None:
        worker = await house.worker()
        await house.control.close()
        asked = asyncio.create_task(worker.publish("patient"))
        await house.open()
        assert (await asked).refusal == ""
        assert house.on_air() == "patient"

    async def test_who_had_asked_before_is_asked_for_again(self, house: House) -> None:
        worker = await house.worker()
        house.authority.open.clear()
        asked = asyncio.create_task(worker.publish("patient"))
        await soon(lambda: house.authority.attempts)
        await house.control.close()
        house.authority.open.set()
        await house.open()
        assert (await asked).refusal == ""
        assert len(house.authority.attempts) == 2
        assert house.on_air() == "patient"

    async def test_nobody_waits_for_ever(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(link_module, "ANSWER_SECONDS", 0.05)
        worker = await house.worker()
        await house.control.close()
        with pytest.raises(TimeoutError):
            await worker.publish("impatient")

    async def test_reports_meanwhile_are_dropped(self, house: House) -> None:
        worker = await house.worker()
        await house.control.close()
        await soon(lambda: worker.link._writer is None)
        worker.report()
        await house.open()
        await soon(lambda: house.control.workers)
        assert house.control.workers[0].connections == 0


async def test_the_totals_only_grow(house: House) -> None:
    worker = await house.worker()
    shares = [viewers_of("flv", 1, 90), viewers_of("rtmp", 1, 10)]
    streams = [
        StreamReport("hub", "one", shares=shares, skipped_bytes=7, dropped_viewers=1),
        StreamReport("hub", "two", shares=shares[1:]),
    ]
    for _ in range(2):
        worker.link.send(report_of(*streams, refused={"not_live": 2}))
    totals = house.control.totals
    await soon(lambda: totals.sent_bytes == 220)
    assert (totals.skipped_bytes, totals.dropped_viewers, totals.refused) == (14, 2, {"not_live": 4})


async def test_records_of_refusals_are_passed_on(house: House) -> None:
    worker = await house.worker()
    refusal = Refusal("r1", 1.0, "play", "ipLimit", "ip_denied", "no", hub="hub")
    worker.link.send(Report(1.0, 0, [], {"ip_denied": 1}, refusals=[refusal]))
    await soon(lambda: house.authority.refusals == [refusal])


async def test_an_answer_tells_what_the_rule_saw(house: House) -> None:
    house.authority.refusal = PublishRefused("nonce_used", "no", found="3", wanted="greater than 4")
    answer = await (await house.worker()).publish("s1")
    assert (answer.refusal, answer.found, answer.wanted) == ("nonce_used", "3", "greater than 4")
