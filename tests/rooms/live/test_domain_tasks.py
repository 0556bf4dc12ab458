"""The tasks that follow a change of domains, and that each is recorded with its change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from nameserver import NameServer, name_server
from oxbow.kernel.database import Database
from oxbow.rooms.live.domain_tasks import BIND, UNBIND
from oxbow.rooms.live.errors import DomainConflict
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.service import LiveService
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.settings_domains import DomainSettings
from oxbow.testing.tasks import InlineContext

from .conftest import ROOT, Board, Clock, Keys

NAME = "flv.example.com"
EXPECTED = f"{NAME}.live-hdl.oxbow.internal"


class Begun(list[tuple[str, str, dict[str, Any]]]):
    """What was begun, and the sessions it was begun in."""

    def __call__(self, session, kind: str, *, account: int, subject: str, arguments=None) -> None:
        assert session.in_transaction()
        self.append((kind, subject, arguments))


@pytest.fixture
async def dns_server() -> AsyncIterator[NameServer]:
    async with name_server() as server:
        yield server


@pytest.fixture
def begun() -> Begun:
    return Begun()


@pytest.fixture
async def service(
    accounts: Database, keys: Keys, board: Board, clock: Clock, begun: Begun, dns_server: NameServer
) -> AsyncIterator[LiveService]:
    """One whose domains are looked up at the test's DNS server, with a worker that knows everything."""
    settings = DomainSettings(resolver=dns_server.address)
    service = LiveService(
        LiveSettings(),
        accounts,
        keys,
        board,
        node="here",
        domain_settings=settings,
        begin=begun,
        clock=clock,
    )
    await service.open(ROOT)
    board.acknowledge(0, 1_000_000)
    yield service
    await service.close()


async def bound(service: LiveService, begun: Begun) -> InlineContext:
    """Bind the domain; the task that follows."""
    await service.domains.bind(ROOT.id, "live", NAME, DomainType.LIVE_HDL)
    kind, subject, arguments = begun[-1]
    assert (kind, subject) == (BIND, NAME)
    return InlineContext(arguments, subject)


async def test_binding_begins_a_task_and_a_refused_one_does_not(service: LiveService, begun: Begun):
    await bound(service, begun)
    with pytest.raises(DomainConflict):
        await service.domains.bind(ROOT.id, "live", NAME, DomainType.LIVE_HLS)
    assert len(begun) == 1


async def test_it_waits_for_the_record_and_says_what_it_found(
    service: LiveService, begun: Begun, dns_server: NameServer
):
    context = await bound(service, begun)
    dns_server.records = {(NAME, "CNAME"): ["old.example.net."]}
    with pytest.raises(TimeoutError):
        await service.domain_tasks.bind(context)
    assert context.waited == [
        "every media worker to take the configuration",
        f"CNAME of {NAME} to be {EXPECTED}",
    ]
    assert context.shown[-1] == (0.5, f"CNAME of {NAME} to be {EXPECTED}, found old.example.net")
    dns_server.records = {(NAME, "CNAME"): [f"{EXPECTED}."]}
    await service.domain_tasks.bind(context)
    assert context.shown[-1] == (1.0, "its DNS record leads here")
    check = await service.cname.latest(await service.domains.get(ROOT.id, "live", NAME))
    assert check is not None
    assert (check.right, check.resolver, check.found.chain) == (True, dns_server.address, (EXPECTED,))


async def test_it_waits_until_every_worker_knows(service: LiveService, begun: Begun, board: Board):
    context = await bound(service, begun)
    board.acknowledge(1, 0)
    with pytest.raises(TimeoutError, match="every media worker"):
        await service.domain_tasks.bind(context)
    board.drop_worker(1)
    assert board.all_know(1_000_000)
    board.drop_worker(0)
    assert not board.all_know(0), "with no worker nothing is served"


async def test_it_ends_when_the_domain_is_unbound_or_bound_anew(
    service: LiveService, begun: Begun, dns_server: NameServer, clock: Clock
):
    context = await bound(service, begun)
    await service.domains.unbind(ROOT.id, "live", NAME)
    assert begun[-1] == (UNBIND, NAME, {"hub": "live", "domain": NAME})
    clock.now += 5
    await bound(service, begun)
    await service.domain_tasks.bind(context)
    assert dns_server.asked == [], "the later binding has a task of its own"


async def test_what_follows_an_unbinding_ends_when_every_worker_knows(service: LiveService, begun: Begun):
    await bound(service, begun)
    await service.domains.unbind(ROOT.id, "live", NAME)
    context = InlineContext(begun[-1][2], NAME)
    await service.domain_tasks.tell(context)
    assert context.shown[-1] == (1.0, "every media worker knows")
