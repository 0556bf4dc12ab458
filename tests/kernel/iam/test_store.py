"""The contract of the IAM store, on SQLite and on PostgreSQL; and what other servers learn of its changes."""

from __future__ import annotations

import pytest

from oxbow.kernel.accounts.tables import AccountRow
from oxbow.kernel.database import Database
from oxbow.kernel.iam import loading
from oxbow.kernel.iam.decision import Reach, decide
from oxbow.kernel.iam.errors import AlreadyThere, Escalation, NotThere
from oxbow.kernel.iam.models import Kind, State
from oxbow.kernel.iam.rights import Rights
from oxbow.kernel.iam.service import ADD, REMOVE, REPLACE
from oxbow.kernel.iam.statements import Effect, Statement
from oxbow.kernel.iam.store import Edit, IamStore

ACCOUNT, OTHER, NOW = 1, 2, 1_800_000_000
READ = Statement(Effect.ALLOW, ("pili/GetHub",), ("qrn:pili:::live",))


@pytest.fixture
async def store(database: Database) -> IamStore:
    async with database.session() as session:
        for id_, name in ((ACCOUNT, "one"), (OTHER, "two")):
            session.add(AccountRow(id=id_, name=name, created_at=1))
    return IamStore(database)


async def add_all(edit: Edit) -> None:
    await edit.add(Kind.USER, "alice", password_hash="", enabled=True)
    await edit.add(Kind.GROUP, "friends", description="")
    await edit.add(Kind.POLICY, "p", description="d", edit_type=1, statements=loading.column_of((READ,)))


@pytest.fixture
async def filled(store: IamStore) -> IamStore:
    async with store.editing(ACCOUNT, NOW, None) as edit:
        await add_all(edit)
    return store


async def test_what_was_added_is_loaded(filled: IamStore):
    state = await filled.load(State())
    assert [user.alias for user in state.users.values()] == ["alice"]
    assert [policy.statements for policy in state.policies.values()] == [(READ,)]
    assert await filled.load(state) is state, "nothing has changed since"


async def test_an_alias_is_the_accounts_own(filled: IamStore):
    async with filled.editing(OTHER, NOW, None) as edit:
        await add_all(edit)
    with pytest.raises(AlreadyThere):
        async with filled.editing(ACCOUNT, NOW, None) as edit:
            await edit.add(Kind.USER, "alice", password_hash="", enabled=True)


async def test_another_accounts_things_are_not_there(filled: IamStore):
    async with filled.editing(OTHER, NOW, None) as edit:
        for kind, alias in ((Kind.USER, "alice"), (Kind.GROUP, "friends"), (Kind.POLICY, "p\0")):
            with pytest.raises(NotThere):
                await edit.find(kind, alias)


async def test_links_are_set_added_and_taken_from_both_sides(filled: IamStore):
    steps = [
        (Kind.USER, "alice", Kind.POLICY, "p", ADD, 1),
        (Kind.POLICY, "p", Kind.USER, "alice", REMOVE, 0),
        (Kind.POLICY, "p", Kind.USER, "alice", REPLACE, 1),
        (Kind.USER, "alice", Kind.POLICY, "p", ADD, 1),
    ]
    for kind, alias, to, other, change, left in steps:
        async with filled.editing(ACCOUNT, NOW, None) as edit:
            await edit.link(kind, alias, to, [other], change)
        assert sum(map(len, (await filled.load(State())).user_policies.values())) == left


async def test_what_is_removed_takes_its_links_and_keys_along(filled: IamStore):
    async with filled.editing(ACCOUNT, NOW, None) as edit:
        await edit.add_key("alice", "ak", "sk")
        await edit.link(Kind.USER, "alice", Kind.POLICY, ["p"], ADD)
        await edit.link(Kind.GROUP, "friends", Kind.USER, ["alice"], ADD)
    async with filled.editing(ACCOUNT, NOW, None) as edit:
        await edit.remove(Kind.USER, "alice")
    state = await filled.load(State())
    assert (state.users, state.keys, state.user_policies, state.user_groups) == ({}, {}, {}, {})


async def test_a_guard_that_refuses_undoes_everything(filled: IamStore):
    def refuse(before: State, after: State, touched: frozenset[int]) -> None:
        assert (len(before.users), len(after.users)) == (1, 2)
        raise Escalation("bob", "pili/GetHub", "live")

    with pytest.raises(Escalation):
        async with filled.editing(ACCOUNT, NOW, refuse) as edit:
            await edit.add(Kind.USER, "bob", password_hash="", enabled=True)
    assert len((await filled.load(State())).users) == 1


async def test_another_server_goes_by_a_change_when_it_looks_again(filled: IamStore, database: Database):
    """Each server, and each object worker, has its own memory and looks at the number of changes."""
    async with Elsewhere(database) as elsewhere:
        user = next(iter((await elsewhere.directory()).state.users))
        assert not await may(elsewhere, user)
        async with filled.editing(ACCOUNT, NOW, None) as edit:
            await edit.link(Kind.USER, "alice", Kind.POLICY, ["p"], ADD)
        await elsewhere.refresh()
        assert await may(elsewhere, user)
        async with filled.editing(ACCOUNT, NOW, None) as edit:
            await edit.remove(Kind.POLICY, "p")
        await elsewhere.refresh()
        assert not await may(elsewhere, user)


class Elsewhere:
    """The rights as another process on the same database sees them."""

    def __init__(self, database: Database) -> None:
        self._database = Database(database.url)

    async def __aenter__(self) -> Rights:
        return Rights(IamStore(self._database))

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


async def may(rights: Rights, user: int) -> bool:
    return decide(await rights.of(user), "pili/GetHub", Reach.ONE, "live").allowed
