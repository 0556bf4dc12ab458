"""What can be done with users, groups and policies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.accounts.models import new_key
from oxbow.kernel.iam import loading
from oxbow.kernel.iam.actions import Catalogue
from oxbow.kernel.iam.decision import Authority, excess
from oxbow.kernel.iam.directory import Directory
from oxbow.kernel.iam.errors import BadField, Escalation
from oxbow.kernel.iam.models import ALIAS, ALIAS_RULE, Kind, State, UserKey
from oxbow.kernel.iam.passwords import PASSWORD_LENGTHS, hashed
from oxbow.kernel.iam.rights import Rights
from oxbow.kernel.iam.statements import Statement
from oxbow.kernel.iam.store import Change, Edit, Guard, IamStore

REPLACE: Change = lambda old, given: given  # noqa: E731 - three of a kind.
ADD: Change = lambda old, given: old | given  # noqa: E731
REMOVE: Change = lambda old, given: old - given  # noqa: E731


@dataclass(frozen=True, slots=True)
class Editor:
    """On whose behalf something is changed: an account's, by itself or by one of its users."""

    account: int
    user: int | None = None


class IamService:
    """A change counts in this process when its method returns, and in others a second later.

    Nobody can hand on more than they have: a change that would let any user do what the user who makes it may
    not do is refused as a whole (:class:`Escalation`).  An account's own keys may do everything.

    :param catalogue: every action there is.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        store: IamStore,
        ring: KeyRing,
        catalogue: Catalogue,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._rights = Rights(store)
        self.catalogue = catalogue

    async def directory(self) -> Directory:
        """Everything, at most a second old; DatabaseUnavailableError only while it has never been read."""
        return await self._rights.directory()

    async def rights(self, user: int) -> Authority:
        """What a user was granted; raises like :meth:`directory`."""
        return await self._rights.of(user)

    async def create_user(self, who: Editor, alias: str, password: str) -> None:
        """BadField, AlreadyThere.  A user without a password has keys only."""
        kept = await _password_hash(password)
        async with self._editing(who) as edit:
            await edit.add(Kind.USER, _alias(alias), password_hash=kept, enabled=True)
        await self._changed()

    async def change_user(self, who: Editor, alias: str, *, enabled: bool | None, password: str) -> None:
        """What is None or empty stays as it is; BadField, NotThere, Escalation."""
        fields: dict[str, Any] = {} if enabled is None else {"enabled": enabled}
        if password:
            fields["password_hash"] = await _password_hash(password)
        async with self._editing(who) as edit:
            await edit.change(Kind.USER, alias, **fields)
        await self._changed()

    async def create_group(self, who: Editor, alias: str, description: str) -> None:
        """BadField, AlreadyThere."""
        async with self._editing(who) as edit:
            await edit.add(Kind.GROUP, _alias(alias), description=description)
        await self._changed()

    async def create_policy(
        self, who: Editor, alias: str, description: str, edit_type: int, statements: tuple[Statement, ...]
    ) -> None:
        """BadField, AlreadyThere."""
        fields = {
            "description": description,
            "edit_type": edit_type,
            "statements": loading.column_of(statements),
        }
        async with self._editing(who) as edit:
            await edit.add(Kind.POLICY, _alias(alias), **fields)
        await self._changed()

    async def change(self, who: Editor, kind: Kind, alias: str, **fields: Any) -> None:
        """Set some of ``alias``, ``description`` and ``statements``; BadField, NotThere, AlreadyThere,
        Escalation."""
        if "alias" in fields:
            _alias(fields["alias"])
        if "statements" in fields:
            fields["statements"] = loading.column_of(fields["statements"])
        async with self._editing(who) as edit:
            await edit.change(kind, alias, **fields)
        await self._changed()

    async def remove(self, who: Editor, kind: Kind, alias: str) -> None:
        """With its links, and a user's keys; NotThere, Escalation where it took a denial with it."""
        async with self._editing(who) as edit:
            await edit.remove(kind, alias)
        await self._changed()

    async def link(
        self, who: Editor, kind: Kind, alias: str, to: Kind, aliases: Sequence[str], change: Change
    ) -> None:
        """Say what belongs to one; NotThere, BadField, Escalation."""
        async with self._editing(who) as edit:
            await edit.link(kind, alias, to, aliases, change)
        await self._changed()

    async def create_key(self, who: Editor, alias: str) -> tuple[UserKey, str]:
        """A new key pair of a user, and its secret; NotThere, BadField, Escalation."""
        access_key, secret_key = new_key(), new_key()
        async with self._editing(who) as edit:
            user = await edit.add_key(alias, access_key, secret_key)
        await self._changed()
        return UserKey(access_key, user, True, self._now()), secret_key

    async def enable_key(self, who: Editor, alias: str, access_key: str, enabled: bool) -> None:
        """NotThere, Escalation."""
        async with self._editing(who) as edit:
            await edit.enable_key(alias, access_key, enabled)
        await self._changed()

    async def remove_key(self, who: Editor, alias: str, access_key: str) -> None:
        """NotThere."""
        async with self._editing(who) as edit:
            await edit.remove_key(alias, access_key)
        await self._changed()

    def _editing(self, who: Editor) -> AbstractAsyncContextManager[Edit]:
        guard = None if who.user is None else self._guard(who.user)
        return self._store.editing(who.account, self._now(), guard)

    def _guard(self, user: int) -> Guard:
        questions = self.catalogue.questions

        def check(before: State, after: State, touched: frozenset[int]) -> None:
            old, new = Directory(before), Directory(after)
            mine = old.authority(user)
            for other in after.users.values():
                theirs = new.authority(other.id)
                if other.id not in touched and theirs.grants == old.authority(other.id).grants:
                    continue
                beyond = excess(mine, theirs, questions)
                if beyond is not None:
                    raise Escalation(other.alias, *beyond)

        return check

    async def _changed(self) -> None:
        await self._rights.refresh()
        await self._ring.refresh()

    def _now(self) -> int:
        return int(self._clock())


def _alias(alias: str) -> str:
    if not ALIAS.fullmatch(alias):
        raise BadField("alias", f"must be {ALIAS_RULE}")
    return alias


async def _password_hash(password: str) -> str:
    if not password:
        return ""
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise BadField("password", f"must have {shortest} to {longest} characters")
    return await hashed(password)
