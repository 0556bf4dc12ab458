"""The record in the database, on SQLite and PostgreSQL."""

import pytest
from msgspec.structs import replace

from oxbow.kernel.refusals.ledger import Batch
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.refusals.store import RefusalQuery, RefusalStore

MINE, NOBODYS, FOREIGN = 7, 0, 8


def refusal(reqid: str, at: float = 100.0, **fields) -> Refusal:
    values = {"address": "10.0.0.1", "hub": "hub", "stream": "s", "account": MINE} | fields
    return Refusal(reqid, at, "play", "ipLimit", "ip_denied", "no", **values)


@pytest.fixture
async def store(database) -> RefusalStore:
    return RefusalStore(database)


async def write(store: RefusalStore, *refusals: Refusal) -> None:
    await store.write(Batch(new={one.reqid: one for one in refusals}))


async def found(store: RefusalStore, **asked) -> list[str]:
    query = RefusalQuery(asked.pop("accounts", (MINE,)), **asked)
    return [one.reqid for _, one in await store.find(query)]


async def test_a_record_comes_back_as_it_was(store):
    one = refusal(
        "r1", domain="a.example", url="u", found="f", wanted="w", access_key="ak", more=3, until=120.5
    )
    await write(store, one)
    assert [record for _, record in await store.find(RefusalQuery((MINE,), reqid="r1"))] == [one]


async def test_the_newest_come_first_in_pages(store):
    await write(store, *(refusal(f"r{number}", at=number) for number in range(5)))
    first = await store.find(RefusalQuery((MINE,), limit=2))
    assert [one.reqid for _, one in first] == ["r4", "r3"]
    assert await found(store, before=first[-1][0], limit=9) == ["r2", "r1", "r0"]


async def test_who_asks_sees_what_is_theirs(store):
    await write(store, refusal("mine"), refusal("foreign", account=FOREIGN), refusal("nobodys", account=0))
    assert await found(store) == ["mine"]
    assert await found(store, accounts=(MINE, NOBODYS)) == ["nobodys", "mine"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"stream": "t"}, ["b"]),
        ({"address": "10.0.0.2"}, ["c"]),
        ({"rule": "domain"}, ["d"]),
        ({"hub": "other"}, ["e"]),
        ({"what": "publish"}, ["f"]),
        ({"start": 150}, ["g"]),
        ({"start": 150, "end": 150}, []),
        ({"end": 99}, ["h"]),
    ],
)
async def test_each_question_finds_its_own(store, asked, expected):
    await write(
        store,
        refusal("a"),
        refusal("b", stream="t"),
        refusal("c", address="10.0.0.2"),
        replace(refusal("d"), rule="domain"),
        refusal("e", hub="other"),
        replace(refusal("f"), what="publish"),
        refusal("g", at=160),
        refusal("h", at=99.9),
    )
    assert await found(store, **asked) == expected


async def test_one_that_goes_on_is_found_by_when_it_last_happened(store):
    await write(store, refusal("r1", at=100))
    grown = refusal("r1", at=100, more=9, until=500)
    await store.write(Batch(grown={"r1": grown}))
    assert [one for _, one in await store.find(RefusalQuery((MINE,), start=400))] == [grown]


async def test_writing_again_is_writing_once(store):
    await write(store, refusal("r1"))
    await write(store, refusal("r1"), refusal("r2"))
    assert await found(store) == ["r2", "r1"]


async def test_texts_that_are_too_long_for_their_column_are_cut(store):
    await write(store, refusal("r1", stream="x" * 300, domain="y" * 400, protocol="z" * 99))
    ((_, one),) = await store.find(RefusalQuery((MINE,)))
    assert (len(one.stream), len(one.domain), len(one.protocol)) == (200, 253, 16)


async def test_old_ones_and_too_many_are_forgotten(store):
    await write(store, *(refusal(f"r{number}", at=100.0 + number) for number in range(6)))
    await store.forget(before=101, keep=1000)
    assert await found(store) == ["r5", "r4", "r3", "r2", "r1"]
    await store.forget(before=0, keep=2)
    assert await found(store) == ["r5", "r4"]
