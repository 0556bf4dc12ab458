"""What the live room's stores leave in the audit."""

import pytest

from oxbow.kernel.audit import AuditStore, acting_as
from oxbow.kernel.audit.actor import Actor
from oxbow.kernel.audit.store import AuditQuery
from oxbow.rooms.live.errors import HubNotFound, StreamExists
from oxbow.rooms.live.service import LiveService

from .conftest import ROOT, STRANGER


@pytest.fixture(autouse=True)
def somebody():
    with acting_as(Actor("root", ROOT.id)):
        yield


@pytest.fixture
def told(accounts):
    """The subject, the fields before and those after of each change, the oldest first."""

    async def told(subject: str = "hub/live*"):
        found = await AuditStore(accounts).page(ROOT.id, AuditQuery(subject=subject))
        return [(record.subject, record.before, record.after) for record in reversed(found)]

    return told


async def test_hubs(service: LiveService, told):
    await service.hubs.create(ROOT.id, "one")
    await service.hubs.change(ROOT.id, "one", grace_seconds=3.0, publish_key="s3cret")
    await service.hubs.delete(ROOT.id, "one")
    created, changed, deleted = await told("hub/one*")
    assert (created[1], created[2]["name"]) == (None, "one")
    assert changed[1:] == (
        {"grace_seconds": None, "publish_key": ""},
        {"grace_seconds": 3.0, "publish_key": "***"},
    )
    assert (deleted[1]["publish_key"], deleted[2]) == ("***", None)


async def test_domains(service: LiveService, told):
    subject = "hub/live/domain/flv.example.com"
    await service.domains.bind(ROOT.id, "live", "flv.example.com", "liveHdl")
    await service.domains.unbind(ROOT.id, "live", "flv.example.com")
    bound, unbound = await told(subject)
    assert (bound[1], bound[2]["type"]) == (None, "liveHdl")
    assert (unbound[1]["type"], unbound[2]) == ("liveHdl", None)


async def test_streams(service: LiveService, told):
    subject = "hub/live/stream/evening"
    await service.streams.create(ROOT.id, "live", "evening")
    await service.streams.disable(ROOT.id, "live", "evening", -1)
    await service.streams.delete(ROOT.id, "live", "evening")
    created, disabled, deleted = await told(subject)
    assert created[1] is None
    assert disabled[1:] == ({"disabled_till": 0}, {"disabled_till": -1})
    assert (deleted[1]["disabled_till"], deleted[2]) == (-1, None)


async def test_what_is_refused_leaves_nothing(service: LiveService, told):
    await service.streams.create(ROOT.id, "live", "evening")
    before = await told()
    with pytest.raises(StreamExists):
        await service.streams.create(ROOT.id, "live", "evening")
    with pytest.raises(HubNotFound):
        await service.hubs.change(STRANGER.id, "live", hls_plus=True)
    assert await told() == before
