"""The contract of the delivery log, on each database that Oxbow supports."""

from dataclasses import replace

import pytest

from oxbow.kernel.database import Database
from oxbow.kernel.webhooks import Delivery, DeliveryState, Hook
from oxbow.kernel.webhooks.store import DeliveryFilter, DeliveryStore

HOOK = Hook("JSON", "http://one.example/hook", {"stream": "a"}, 2.5, 3, 0.5, 200, 403)
ALL = DeliveryFilter()


def delivery(number: int, url: str = HOOK.url, **changes: object) -> Delivery:
    hook = replace(HOOK, url=url)
    return replace(
        Delivery(1, "live.connect", "live/one", hook, 100.0, id=f"{number:024x}", next_attempt_at=100.0),
        **changes,
    )


@pytest.fixture
def store(database: Database) -> DeliveryStore:
    return DeliveryStore(database)


async def ids_of_claim(store: DeliveryStore, now: float, room: int = 10, **busy: int) -> list[int]:
    hosts = {f"http://{host}.example": count for host, count in busy.items()}
    claimed = await store.claim(now, now + 60, room, per_origin=2, busy=hosts)
    return [int(one.id, 16) for one in claimed]


async def test_a_delivery_is_read_as_it_was_written(store: DeliveryStore) -> None:
    one = delivery(1, key="k", status=200, error="e", answer="a\ufffd", duration=0.25, replay_of="0" * 24)
    await store.add([one])
    assert await store.find(1, one.id) == one
    assert await store.find(2, one.id) is None
    assert await store.find(1, "nothing") is None


async def test_what_is_due_is_claimed_once(store: DeliveryStore) -> None:
    await store.add([delivery(1), delivery(2, next_attempt_at=200.0)])
    assert not await store.has_due(99.0)
    assert await store.has_due(100.0)
    assert await ids_of_claim(store, 100.0) == [1]
    assert await ids_of_claim(store, 100.0) == []
    assert not await store.has_due(159.0)


async def test_what_nobody_finished_is_due_again(store: DeliveryStore) -> None:
    await store.add([delivery(1)])
    assert await ids_of_claim(store, 100.0) == [1]
    assert await ids_of_claim(store, 160.0) == [1]


async def test_hosts_take_turns(store: DeliveryStore) -> None:
    await store.add([delivery(number) for number in range(1, 6)])
    await store.add([delivery(9, url="http://two.example/hook", next_attempt_at=100.5)])
    assert await ids_of_claim(store, 101.0) == [1, 2, 9]
    assert await ids_of_claim(store, 101.0, one=2) == []
    assert await ids_of_claim(store, 101.0, one=1) == [3]
    assert await ids_of_claim(store, 101.0, room=1) == [4]


async def test_an_outcome_is_written_down(store: DeliveryStore) -> None:
    await store.add([delivery(1), delivery(2)])
    done = delivery(1, state=DeliveryState.DELIVERED, attempts=1, status=200, answer="ok", finished_at=101.0)
    later = delivery(2, attempts=1, error="no answer", next_attempt_at=105.0)
    await store.finish([done, later])
    assert await store.page(1, ALL, "", 10) == [later, done]
    assert await ids_of_claim(store, 105.0) == [2]


async def test_what_waits_can_be_cancelled_by_name(store: DeliveryStore) -> None:
    await store.add(
        [
            delivery(1, key="stream a", next_attempt_at=130.0),
            delivery(2, key="stream a", next_attempt_at=100.0),
            delivery(3, key="stream b", next_attempt_at=130.0),
        ]
    )
    assert await store.cancel(["stream a"], 110.0) == 1, "what was due has been sent, or is about to be"
    cancelled = await store.find(1, delivery(1).id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.finished_at) == (DeliveryState.CANCELLED, 110.0)
    assert await ids_of_claim(store, 130.0) == [2, 3]


async def test_pages_go_from_new_to_old(store: DeliveryStore) -> None:
    await store.add([delivery(number) for number in range(1, 6)])
    await store.add([delivery(6, account=2)])
    page = await store.page(1, ALL, "", 2)
    assert [int(one.id, 16) for one in page] == [5, 4]
    assert [int(one.id, 16) for one in await store.page(1, ALL, page[-1].id, 10)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (DeliveryFilter(event="live.disconnect"), [2]),
        (DeliveryFilter(subject="live/two"), [3]),
        (DeliveryFilter(state="failed"), [4]),
        (DeliveryFilter(event="live.connect", state="failed"), [4]),
        (DeliveryFilter(event="nothing"), []),
    ],
)
async def test_pages_can_be_narrowed_down(
    store: DeliveryStore, which: DeliveryFilter, found: list[int]
) -> None:
    await store.add(
        [
            delivery(1),
            delivery(2, event="live.disconnect"),
            delivery(3, subject="live/two"),
            delivery(4, state=DeliveryState.FAILED),
        ]
    )
    assert [int(one.id, 16) for one in await store.page(1, which, "", 10)] == found


async def test_what_is_old_is_forgotten_unless_it_waits(store: DeliveryStore) -> None:
    done = {"state": DeliveryState.DELIVERED}
    await store.add(
        [
            delivery(1, finished_at=100.0, **done),
            delivery(2, finished_at=200.0, **done),
            delivery(3, next_attempt_at=9e9),
        ]
    )
    assert await store.prune(150.0, most=10) == 1
    assert [int(one.id, 16) for one in await store.page(1, ALL, "", 10)] == [3, 2]
