"""Refusals are taken in at once, and written when the database is there."""

import pytest

from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.refusals.service import RefusalService
from oxbow.kernel.refusals.store import RefusalQuery
from oxbow.kernel.settings import KernelSettings

NOW = 1_700_000_000.0


def refusal(reqid: str, at: float = NOW) -> Refusal:
    return Refusal(reqid, at, "play", "ipLimit", "ip_denied", "no", stream=reqid)


@pytest.fixture
def refusals(sqlite_database: Database) -> RefusalService:
    return RefusalService(sqlite_database, KernelSettings(refusal_days=30), clock=lambda: NOW)


async def reqids(refusals: RefusalService) -> list[str]:
    return [one.reqid for _, one in await refusals.find(RefusalQuery((0,)))]


async def test_who_asks_sees_what_was_refused_a_moment_ago(refusals):
    refusals.add([refusal("r1")])
    assert await reqids(refusals) == ["r1"]


async def test_nothing_is_lost_while_the_database_is_away(refusals, monkeypatch):
    async def away(_):
        raise DatabaseUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(refusals._store, "write", away)
        refusals.add([refusal("r1")])
        assert not await refusals.flush()
        refusals.add([refusal("r2")])
        assert not await refusals.flush()
    assert await reqids(refusals) == ["r2", "r1"]


async def test_what_waits_is_written_at_the_end(refusals):
    refusals.open()
    refusals.add([refusal("r1")])
    await refusals.close()
    assert refusals._ledger.waiting == 0
    assert await reqids(refusals) == ["r1"]


async def test_old_records_are_deleted(refusals):
    refusals.add([refusal("old", NOW - 31 * 86400), refusal("new", NOW - 29 * 86400)])
    await refusals.flush()
    await refusals.tidy()
    assert await reqids(refusals) == ["new"]
