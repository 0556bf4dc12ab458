"""Users, groups and policies in memory, with what each user was granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from oxbow.kernel.iam.decision import NOBODY, Authority, Grant
from oxbow.kernel.iam.errors import NotThere
from oxbow.kernel.iam.models import Group, IamUser, Kind, Named, Policy, State, UserKey

N = TypeVar("N", bound=Named)


class Directory:
    """Answers questions about one :class:`State`; it never changes."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._by_alias: dict[tuple[Kind, int, str], Any] = {
            (kind, item.account, item.alias): item for kind, items in self._kinds() for item in items.values()
        }
        self._authorities: dict[int, Authority] = {}

    def _kinds(self) -> Iterator[tuple[Kind, Mapping[int, Named]]]:
        yield Kind.USER, self.state.users
        yield Kind.GROUP, self.state.groups
        yield Kind.POLICY, self.state.policies

    def all(self, kind: Kind, account: int) -> list[Any]:
        """The account's, the oldest first."""
        found = dict(self._kinds())[kind]
        return [item for item in found.values() if item.account == account]

    def _one(self, kind: Kind, account: int, alias: str) -> Any:
        found = self._by_alias.get((kind, account, alias))
        if found is None:
            raise NotThere(kind, alias)
        return found

    def user(self, account: int, alias: str) -> IamUser:
        """NotThere."""
        user: IamUser = self._one(Kind.USER, account, alias)
        return user

    def group(self, account: int, alias: str) -> Group:
        """NotThere."""
        group: Group = self._one(Kind.GROUP, account, alias)
        return group

    def policy(self, account: int, alias: str) -> Policy:
        """NotThere."""
        policy: Policy = self._one(Kind.POLICY, account, alias)
        return policy

    def keys(self, user: IamUser) -> Sequence[UserKey]:
        """The user's key pairs, the oldest first."""
        return self.state.keys.get(user.id, ())

    def policies_of(self, item: IamUser | Group) -> list[Policy]:
        """Those granted directly."""
        links = self.state.user_policies if isinstance(item, IamUser) else self.state.group_policies
        return [self.state.policies[id_] for id_ in links.get(item.id, ())]

    def groups_of(self, user: IamUser) -> list[Group]:
        """The groups that the user is in."""
        return [self.state.groups[id_] for id_ in self.state.user_groups.get(user.id, ())]

    def users_of(self, item: Group | Policy) -> list[IamUser]:
        """A group's members, or whom a policy is granted to directly."""
        links = self.state.user_groups if isinstance(item, Group) else self.state.user_policies
        return [user for user in self.state.users.values() if item.id in links.get(user.id, ())]

    def groups_with(self, policy: Policy) -> list[Group]:
        """The groups that a policy is granted to."""
        links = self.state.group_policies
        return [group for group in self.state.groups.values() if policy.id in links.get(group.id, ())]

    def authority(self, user: int) -> Authority:
        """What the user was granted, directly and by groups; nothing if there is no such user."""
        found = self._authorities.get(user)
        if found is None:
            known = self.state.users.get(user)
            if known is None:
                return NOBODY
            found = self._authorities[user] = self._granted(known)
        return found

    def _granted(self, user: IamUser) -> Authority:
        policies = {policy.id: policy for policy in self.policies_of(user)}
        for group in self.groups_of(user):
            policies.update({policy.id: policy for policy in self.policies_of(group)})
        return Authority(user.account, grants(policies.values()))

    def group_authority(self, group: Group) -> Authority:
        """What a group was granted."""
        return Authority(group.account, grants(self.policies_of(group)))


def grants(policies: Any) -> list[Grant]:
    """Every statement of some policies, with where it stands."""
    return [
        Grant(policy.alias, number, statement)
        for policy in policies
        for number, statement in enumerate(policy.statements)
    ]
