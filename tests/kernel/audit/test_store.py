"""Records stand and fall with the change they tell of, on both backends."""

import asyncio

import pytest
from sqlalchemy import event, text

from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.audit import Actor, AuditStore, acting_as, current_actor, record, recorded
from oxbow.kernel.audit.service import DAY, AuditService
from oxbow.kernel.audit.store import AuditQuery, AuditRow

ALICE = Actor("root/alice", 1, 7, "ak", "192.0.2.7", "reqid-1", "curl/8\0", "pili/SetHubSecurity")


@pytest.fixture
def store(database):
    return AuditStore(database)


async def note(database, subject, actor=ALICE, before=None, after=None):
    with acting_as(actor):
        async with database.session() as session:
            record(session, subject, before, after if after or before else {"made": True})


async def subjects(store, account=1, **query):
    return [found.subject for found in await store.page(account, AuditQuery(**query))]


async def test_a_record_tells_who_what_and_from_where(database, store):
    await note(
        database, "hub/live", before={"grace": 1, "publish_key": "a"}, after={"grace": 2, "publish_key": "b"}
    )
    (found,) = await store.page(1, AuditQuery())
    assert (found.actor, found.account, found.user, found.access_key) == ("root/alice", 1, 7, "ak")
    assert (found.client, found.request_id, found.user_agent) == ("192.0.2.7", "reqid-1", "curl/8")
    assert (found.action, found.subject) == ("pili/SetHubSecurity", "hub/live")
    assert found.before == {"grace": 1, "publish_key": "***"}
    assert found.after == {"grace": 2, "publish_key": "***"}


async def test_a_change_that_is_rolled_back_leaves_no_record(database, store):
    with pytest.raises(RuntimeError):
        async with database.session() as session:
            session.add(AccountRow(name="new", created_at=1))
            record(session, "account/new", None, {"name": "new"})
            await session.flush()
            raise RuntimeError
    assert await subjects(store) == []


async def test_a_change_whose_record_cannot_be_written_is_not_made(database, store):
    async with database.session() as session:
        await session.execute(text("ALTER TABLE audit_record RENAME TO away"))
    with pytest.raises(Exception, match="audit_record"):
        async with database.session() as session:
            session.add(AccountRow(name="new", created_at=1))
            record(session, "account/new", None, {"name": "new"})
    async with database.session() as session:
        await session.execute(text("ALTER TABLE away RENAME TO audit_record"))
        assert (await session.execute(text("SELECT count(*) FROM account"))).scalar() == 0
    assert await subjects(store) == []


async def test_a_fault_between_the_record_and_the_commit_leaves_neither(database, store):
    with pytest.raises(ZeroDivisionError):
        async with database.session() as session:
            event.listen(session.sync_session, "before_commit", lambda _: 1 / 0)
            session.add(AccountRow(name="new", created_at=1))
            record(session, "account/new", None, {"name": "new"})
    assert await subjects(store) == []


async def test_the_change_of_a_row_is_recorded_whichever_columns_it_touches(database, store):
    async with database.session() as session:
        session.add(row := AccountRow(name="old", created_at=1))
        await session.flush()
        with recorded(session, "account/1", row, account=1):
            row.name = "new"
    (found,) = await store.page(1, AuditQuery())
    assert (found.before, found.after) == ({"name": "old"}, {"name": "new"})


async def test_a_row_that_stays_as_it_was_leaves_no_record(database, store):
    async with database.session() as session:
        session.add(row := AccountRow(name="old", created_at=1))
        await session.flush()
        with recorded(session, "account/1", row, account=1):
            row.name = "old"
    assert await subjects(store) == []


async def test_an_account_reads_its_own_records_and_those_of_the_system(database, store):
    await note(database, "mine")
    await note(database, "others", Actor("other", 2))
    await note(database, "everybodys", "tidying")
    assert await subjects(store, 1) == ["everybodys", "mine"]
    assert await subjects(store, 2) == ["everybodys", "others"]


async def test_records_are_found_by_what_they_tell(database, store):
    await note(database, "hub/live")
    await note(database, "hub/live/domain/a.example.com")
    await note(database, "hub/Live", "stream_expiry")
    await note(database, "hub/l_ve", Actor("root", 1, request_id="reqid-2", action="pili/GetHub"))
    assert await subjects(store, subject="hub/live") == ["hub/live"]
    assert await subjects(store, subject="hub/live*") == ["hub/live/domain/a.example.com", "hub/live"]
    assert await subjects(store, subject="hub/l_*") == ["hub/l_ve"]
    assert await subjects(store, subject="hub/%*") == []
    assert await subjects(store, actor="system:*") == ["hub/Live"]
    assert await subjects(store, action="pili/Get*") == ["hub/l_ve"]
    assert await subjects(store, request_id="reqid-2") == ["hub/l_ve"]
    assert await subjects(store, user=7) == ["hub/live/domain/a.example.com", "hub/live"]


async def test_times_bound_the_answer_on_both_ends(database, store):
    async with database.session() as session:
        for at in (99_999, 100_000, 100_999, 101_000):
            fields = dict.fromkeys(
                ("actor", "access_key", "client", "request_id", "user_agent", "action"), ""
            )
            session.add(AuditRow(at=at, account=1, subject=str(at), **fields))
    assert await subjects(store, since=100, until=100) == ["100999", "100000"]


async def test_pages_continue_where_the_last_one_ended(database, store):
    for number in range(5):
        await note(database, str(number))
    first = await store.page(1, AuditQuery(limit=3))
    rest = await store.page(1, AuditQuery(limit=3, before=first[-1].id))
    assert [found.subject for found in [*first, *rest]] == ["4", "3", "2", "1", "0"]


async def test_old_records_are_forgotten(database, store):
    await note(database, "old")
    (found,) = await store.page(1, AuditQuery())
    service = AuditService(store, days=30, clock=lambda: found.at + 30 * DAY)
    assert await service.forget_old() == 0
    service = AuditService(store, days=30, clock=lambda: found.at + 30 * DAY + 1)
    assert await service.forget_old() == 1
    assert await subjects(store) == []


async def test_requests_that_run_at_once_are_not_confused():
    async def act(name):
        with acting_as(Actor(name)):
            await asyncio.sleep(0)
            return current_actor().name

    assert await asyncio.gather(*(act(name) for name in "abc")) == ["a", "b", "c"]
    assert current_actor().name == "system:oxbow"
