"""Who is asked when a broadcast begins, and told when it ends, also by the next run of the server."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from types import SimpleNamespace

import msgspec
import pytest

from hostile import Server, answer, saying, serving
from oxbow.kernel.database import Database
from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.webhooks import DeliveryState
from oxbow.kernel.webhooks.models import Delivery
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.kernel.webhooks.store import DeliveryFilter
from oxbow.rooms.live.callbacks.ends import NoticesFirst, read, written
from oxbow.rooms.live.callbacks.notices import RECLAIM_SECONDS, Notices
from oxbow.rooms.live.callbacks.settings import ConnectCallback, DisconnectCallback, DisconnectDelay
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.models import Activity, Domain, DomainType
from oxbow.rooms.live.policy import PublishRefused

NOW = 1_700_000_000.0
PUSH = "push.example.com"
ENCODER = LivePublisher(
    "live", "one", "first", "192.0.2.1:4000", "192.0.2.9:1935", NOW, domain=PUSH, query="token=x"
)
AGAIN = msgspec.structs.replace(ENCODER, session="second", client_addr="192.0.2.1:4001")
SOMEBODY_ELSE = msgspec.structs.replace(ENCODER, session="other", client_addr="192.0.2.2:4000")
OTHER_TOKEN = msgspec.structs.replace(ENCODER, session="other", query="token=y")


@dataclass
class Scene:
    """A domain whose callbacks lead to a server, and what became of them."""

    server: Server
    webhooks: WebhookService
    now: float = NOW
    domain: Domain = field(default_factory=lambda: Domain(PUSH, "live", DomainType.PUBLISH_RTMP, 0))

    def __post_init__(self) -> None:
        self.notices = self.started_anew()

    def started_anew(self) -> Notices:
        """What the next run of the server begins with."""
        return Notices(self, self.webhooks, lambda: self.now)  # type: ignore[arg-type]

    @property
    def current(self) -> object:
        return SimpleNamespace(domains={PUSH: self.domain}, hubs={"live": SimpleNamespace(account=1)})

    def setting(self, *, connect: bool = True, disconnect: bool = True, delay: int = 0) -> None:
        to = {"url": self.server.url("/hook"), "vars": {"session": "$(session)", "why": "$(reason)"}}
        connect_callback = ConnectCallback("GET", **to) if connect else ConnectCallback()
        self.domain = replace(
            self.domain,
            connect_callback=msgspec.structs.replace(connect_callback, success_code=200, fail_code=403),
            disconnect_callback=DisconnectCallback("GET", **to) if disconnect else DisconnectCallback(),
            disconnect_delay=DisconnectDelay(delay),
        )

    @property
    def asked(self) -> list[str]:
        """The sessions that the connect callback was asked about."""
        return [head.decode().split("session=")[1].split("&")[0] for head in self.server.requests]

    async def disconnects(self, state: str = "waiting") -> list[Delivery]:
        assert await self.webhooks.flush()
        which = DeliveryFilter(event="live.disconnect", state=state)
        return list(reversed(await self.webhooks.page(1, which, "", 100)))


@pytest.fixture
async def scene(sqlite_database: Database) -> AsyncIterator[Scene]:
    client = OutboundClient([ip_network("127.0.0.1/32")])

    async def no_pair(account: int) -> None:
        return None

    async with serving(saying(answer(200))) as server:
        webhooks = WebhookService(sqlite_database, client, no_pair, clock=lambda: scene.now)
        scene = Scene(server, webhooks)
        yield scene
        await webhooks.close()
    await client.close()


async def test_a_plain_no_refuses(scene: Scene) -> None:
    scene.setting()
    await scene.notices.connecting(ENCODER, None)
    scene.server.behaviour = saying(answer(403))
    with pytest.raises(PublishRefused) as refused:
        await scene.notices.connecting(AGAIN, None)
    assert (refused.value.reason, refused.value.found) == ("connect_refused", "status 403")
    assert scene.asked == ["first", "second"]


async def test_without_a_delay_every_end_is_told_at_once(scene: Scene) -> None:
    scene.setting()
    scene.notices.ended(ENCODER, "finished")
    await scene.notices.connecting(AGAIN, None)
    (told,) = await scene.disconnects()
    assert told.hook.vars == {"session": "first", "why": "finished"}
    assert told.next_attempt_at == NOW
    assert scene.asked == ["second"]


async def test_whoever_publishes_by_no_domain_or_one_of_another_hub_is_nobodys_business(scene: Scene) -> None:
    scene.setting()
    for stranger in (
        msgspec.structs.replace(ENCODER, domain=""),
        msgspec.structs.replace(ENCODER, hub="other"),
    ):
        await scene.notices.connecting(stranger, None)
        scene.notices.ended(stranger, "finished")
    assert scene.asked == []
    assert await scene.disconnects() == []


class TestAShortAbsence:
    async def test_is_neither_told_nor_asked_about(self, scene: Scene) -> None:
        scene.setting(delay=30)
        scene.notices.ended(ENCODER, "disconnected")
        (waiting,) = await scene.disconnects()
        assert waiting.next_attempt_at == NOW + 30
        scene.now += 29
        await scene.notices.connecting(AGAIN, None)
        assert scene.asked == []
        assert [told.id for told in await scene.disconnects("cancelled")] == [waiting.id]

    @pytest.mark.parametrize("disconnect", [True, False])
    async def test_that_was_too_long_is_an_end_and_a_beginning(self, scene: Scene, disconnect: bool) -> None:
        scene.setting(delay=30, disconnect=disconnect)
        scene.notices.ended(ENCODER, "disconnected")
        scene.now += 31
        await scene.notices.connecting(AGAIN, None)
        assert scene.asked == ["second"]
        assert len(await scene.disconnects()) == disconnect

    async def test_needs_no_disconnect_callback(self, scene: Scene) -> None:
        scene.setting(delay=30, disconnect=False)
        scene.notices.ended(ENCODER, "disconnected")
        await scene.notices.connecting(AGAIN, None)
        assert scene.asked == []

    @pytest.mark.parametrize("other", [SOMEBODY_ELSE, OTHER_TOKEN], ids=["another address", "another query"])
    async def test_of_one_client_lets_in_no_other_unasked(self, scene: Scene, other: LivePublisher) -> None:
        scene.setting(delay=30)
        scene.notices.ended(ENCODER, "disconnected")
        await scene.notices.connecting(other, None)
        assert scene.asked == ["other"]
        assert await scene.disconnects() == [], "the stream goes on"

    async def test_is_not_ended_by_a_client_that_is_refused(self, scene: Scene) -> None:
        scene.setting(delay=30)
        scene.notices.ended(ENCODER, "disconnected")
        scene.server.behaviour = saying(answer(403))
        with pytest.raises(PublishRefused):
            await scene.notices.connecting(SOMEBODY_ELSE, None)
        assert len(await scene.disconnects()) == 1


class TestTakingOver:
    async def test_from_ones_own_connection_goes_on(self, scene: Scene) -> None:
        scene.setting(delay=30)
        await scene.notices.connecting(AGAIN, ENCODER)
        scene.notices.ended(ENCODER, "stale")
        assert scene.asked == []
        assert await scene.disconnects() == []

    async def test_from_somebody_else_is_decided(self, scene: Scene) -> None:
        scene.setting(delay=30)
        scene.server.behaviour = saying(answer(403))
        with pytest.raises(PublishRefused):
            await scene.notices.connecting(SOMEBODY_ELSE, ENCODER)

    async def test_is_an_end_and_a_beginning_where_there_is_no_delay(self, scene: Scene) -> None:
        scene.setting()
        await scene.notices.connecting(AGAIN, ENCODER)
        scene.notices.ended(ENCODER, "taken_over")
        assert scene.asked == ["second"]
        assert len(await scene.disconnects()) == 1


class TestAServerThatDied:
    @staticmethod
    def left_open(publisher: LivePublisher = ENCODER) -> Activity:
        seen = int(NOW) + 60
        return Activity("first", "live", "one", "here", int(NOW), seen, None, "", "", written(publisher))

    async def test_tells_of_what_it_left_open_at_its_next_start(self, scene: Scene) -> None:
        scene.setting()
        await scene.started_anew().recover([self.left_open()])
        (told,) = await scene.disconnects()
        assert told.hook.vars == {"session": "first", "why": "server_gone"}
        assert told.next_attempt_at == NOW + RECLAIM_SECONDS

    @pytest.mark.parametrize("delay", [0, 5, 30])
    async def test_tells_nothing_of_what_a_worker_carries_on(self, scene: Scene, delay: int) -> None:
        scene.setting(delay=delay)
        notices = scene.started_anew()
        await notices.recover([self.left_open()])
        await notices.resumed([ENCODER])
        assert await scene.disconnects() == []

    async def test_takes_an_encoder_back_that_returns_in_time(self, scene: Scene) -> None:
        scene.setting(delay=30)
        notices = scene.started_anew()
        await notices.recover([self.left_open()])
        await notices.connecting(AGAIN, None)
        assert (scene.asked, await scene.disconnects()) == ([], [])

    async def test_without_a_delay_a_new_broadcast_hides_no_end(self, scene: Scene) -> None:
        scene.setting()
        notices = scene.started_anew()
        await notices.recover([self.left_open()])
        await notices.connecting(AGAIN, None)
        assert len(await scene.disconnects()) == 1

    async def test_a_broadcast_by_no_domain_leaves_nothing_to_tell(self, scene: Scene) -> None:
        assert written(msgspec.structs.replace(ENCODER, domain="")) == ""
        assert read(self.left_open()) == ENCODER

    async def test_history_never_overtakes_the_notices(self, scene: Scene) -> None:
        scene.setting()
        seen = []

        class History:
            async def write_history(self, entries: object) -> None:
                seen.append(scene.webhooks.unwritten)

        scene.notices.ended(ENCODER, "finished")
        assert scene.webhooks.unwritten == 1
        await NoticesFirst(History(), scene.webhooks).write_history([])
        assert seen == [0]
        (told,) = await scene.disconnects()
        assert told.state == DeliveryState.WAITING
