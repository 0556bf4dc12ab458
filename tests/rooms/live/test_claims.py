"""One publisher a stream among the servers of one PostgreSQL, and what each knows of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from oxbow.kernel.database import Database
from oxbow.rooms.live import claims as claims_module
from oxbow.rooms.live.board import LiveBoard, OnAir
from oxbow.rooms.live.claims import Claims
from oxbow.rooms.live.control.messages import Figures, Kind, LivePublisher, StreamReport
from oxbow.rooms.live.on_air import LiveStreams
from oxbow.rooms.live.policy import PublishRefused
from oxbow.rooms.live.store.claims import CLAIM_SECONDS, ClaimStore
from oxbow.testing.postgres import PostgresServer
from reports import report_of, share_of
from waiting import soon

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "GOODBYE_SECONDS", 0.01)


@dataclass
class Server:
    """One of several on a database; it renews when it is told to."""

    name: str
    database: Database
    now: float = 0.0
    cuts: list[tuple[str, str, bool]] = field(default_factory=list)
    """(stream, reason, whether viewers go, too)"""
    learned: int = 0
    """How often it has read what others changed."""

    def __post_init__(self) -> None:
        self.store = ClaimStore(self.database, self.name)
        self.board = LiveBoard()
        self.board.on_cut(self._cut)
        self.live = LiveStreams(self.board, self.store)
        self.claims = Claims(self.store, self.board, self._learn, clock=lambda: self.now)

    async def _cut(self, hub: str, stream: str, reason: str, *, viewers: bool = True) -> None:
        self.cuts.append((stream, reason, viewers))

    async def _learn(self) -> None:
        self.learned += 1

    def publisher(self, session: str, stream: str = "stream") -> LivePublisher:
        return LivePublisher("hub", stream, session, "192.0.2.7:4000", f"{self.name}:1935", 1_700_000_000.5)

    async def publish(self, session: str, stream: str = "stream", *, takeover: bool = False) -> None:
        """As control does it."""
        publisher = self.publisher(session, stream)
        await self.claims.claim(publisher, takeover=takeover)
        self.board.put(OnAir(0, publisher))

    def report(self, session: str, stream: str = "stream", silent_seconds: float = 0.0) -> None:
        figures = Figures(session, 8000, 6000, 2000, 25, 43, 0, 2000, 1000, silent_seconds, 0)
        shares = [share_of(Kind("play.example.com", "flv", "cn", ""), 3, 1000)]
        self.board.report(0, report_of(StreamReport("hub", stream, figures, shares=shares)))

    async def is_steady(self) -> None:
        """The database has answered for long enough to tell that others are gone."""
        await self.claims.renew()
        self.now += CLAIM_SECONDS
        await self.claims.renew()


NewServer = Callable[[str], Server]


@pytest.fixture
def one(postgres_database: Database) -> Server:
    return Server("one", postgres_database)


@pytest.fixture
def other(postgres_database: Database) -> Server:
    return Server("other", postgres_database)


async def refused(server: Server, session: str) -> str:
    with pytest.raises(PublishRefused) as refusal:
        await server.publish(session)
    return refusal.value.reason


class TestTheSecondPublisher:
    async def test_is_refused_on_any_server(self, one: Server, other: Server) -> None:
        await one.publish("first")
        assert await refused(other, "second") == "already_publishing"
        await other.publish("third", "another")
        await one.claims.renew()
        assert one.cuts == []

    async def test_takes_over_where_the_hub_wants_it_and_the_first_is_cut(
        self, one: Server, other: Server
    ) -> None:
        await one.publish("first")
        await other.publish("second", takeover=True)
        await one.claims.renew()
        await soon(lambda: one.cuts)
        assert one.cuts == [("stream", "taken_over", False)]
        await other.claims.renew()
        assert other.cuts == []

    async def test_comes_when_the_first_has_gone(self, one: Server, other: Server) -> None:
        await one.publish("first")
        one.board.remove("hub", "stream", "first")
        one.claims.release(one.publisher("first"))
        await soon(lambda: not one.claims._tasks)
        await other.publish("second")
        one.claims.release(one.publisher("first"))
        await soon(lambda: not one.claims._tasks)
        assert await one.live.names("hub", "", "", 10) == ["stream"], "it holds nothing to give back"

    async def test_comes_where_the_first_is_silent(self, one: Server, other: Server) -> None:
        await other.is_steady()
        await one.publish("first")
        one.report("first", silent_seconds=6)
        await one.claims.renew()
        await other.publish("second")

    async def test_comes_when_the_firsts_server_is_gone(
        self, one: Server, other: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await other.is_steady()
        await one.publish("first")
        monkeypatch.setattr("oxbow.rooms.live.store.claims.CLAIM_SECONDS", 0.0)
        await other.publish("second")

    async def test_but_not_while_nobody_can_tell(
        self, one: Server, other: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The database was away: nobody could show that they are there."""
        await one.publish("first")
        await other.claims.renew()
        monkeypatch.setattr("oxbow.rooms.live.store.claims.CLAIM_SECONDS", 0.0)
        assert await refused(other, "second") == "already_publishing"

    async def test_on_the_same_server_is_the_boards_business(self, one: Server) -> None:
        await one.publish("first")
        await one.publish("second")


class TestWithoutTheDatabase:
    async def test_publishers_go_on_and_new_ones_are_let_in(
        self, one: Server, other: Server, postgres_server: PostgresServer
    ) -> None:
        await one.publish("first")
        postgres_server.stop()
        try:
            await one.claims.renew()
            await one.publish("blind", "another")
        finally:
            postgres_server.start()
        assert one.cuts == []
        await one.claims.renew()
        assert await other.live.names("hub", "", "", 10) == ["another", "stream"], "claimed since"

    async def test_of_two_that_were_let_in_meanwhile_one_stays(self, one: Server, other: Server) -> None:
        for server in (one, other):
            server.board.put(OnAir(0, server.publisher(f"blind on {server.name}")))
        for server in (one, other):
            await server.claims.renew()
        await soon(lambda: other.cuts)
        assert (one.cuts, other.cuts) == ([], [("stream", "taken_over", False)])


class TestWhatOthersCarry:
    async def test_is_listed_with_its_own(self, one: Server, other: Server) -> None:
        await one.publish("b", "stream-b")
        for name in ("a", "c"):
            await other.publish(name, f"stream-{name}")
        assert await one.live.names("hub", "stream-", "", 10) == ["stream-a", "stream-b", "stream-c"]
        assert await one.live.names("hub", "", "stream-a", 1) == ["stream-b"]
        assert await one.live.names("hub", "stream_", "", 10) == [], "an underscore is no wildcard"
        assert await one.live.count("hub") == 3

    async def test_has_true_figures(self, one: Server, other: Server) -> None:
        await other.publish("first")
        other.report("first")
        await other.claims.renew()
        assert await one.live.infos("hub", ["stream", "none"]) == await other.live.infos("hub", ["stream"])
        info = (await one.live.infos("hub", ["stream"]))["stream"]
        assert (info.server_addr, info.bps, info.play_count) == ("other:1935", 8000, 3)
        assert await one.live.details("hub", "stream") == other.board.details("hub", "stream")
        assert await one.live.details("hub", "none") is None
        assert await one.live.is_taken("hub", "stream")

    async def test_can_be_cut(self, one: Server, other: Server) -> None:
        await other.publish("first")
        await one.live.cut("hub", "stream", "stream_deleted")
        await other.claims.renew()
        await soon(lambda: other.cuts)
        assert other.cuts == [("stream", "stream_deleted", True)]
        assert other.learned == 1, "or it could not say why"
        await other.publish("second")
        await other.claims.renew()
        assert len(other.cuts) == 1, "the order was for the first"


async def test_sqlite_is_never_asked(sqlite_database: Database) -> None:
    server = Server("alone", sqlite_database)
    await sqlite_database.close()
    await server.publish("first")
    server.claims.open()
    server.claims.release(server.publisher("first"))
    assert server.claims._tasks == set()
    assert await server.live.names("hub", "", "", 10) == ["stream"]
