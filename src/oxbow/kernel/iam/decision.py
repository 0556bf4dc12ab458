"""May this user do that?  Pure, in memory, and able to say why.

Whatever no statement allows is refused, and what one denies is refused whatever others allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from oxbow.kernel.iam.statements import (
    Effect,
    ResourcePattern,
    Statement,
    action_fits,
    parse_resource,
)


class Reach(Enum):
    """How much of a service's resources a request is about."""

    ONE = "one"
    """One of them, by its name."""
    ALL = "all"
    """All of them at once, or the service itself."""
    ANY = "any"
    """Those that the user may see: whoever answers leaves out the others."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A statement, and where it stands."""

    policy: str
    number: int
    """Its place in the policy, from 0."""
    statement: Statement


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, and why."""

    allowed: bool
    reason: str
    """``allowed``, ``denied`` by a statement, or ``not_granted`` by any."""
    grant: Grant | None = None
    """The statement that decided, if one did."""


@dataclass(slots=True)
class _Names:
    """Names and beginnings of names, each with the statement that has it; asking is a few look-ups."""

    exact: dict[str, Grant] = field(default_factory=dict)
    prefixes: dict[str, Grant] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    """Those of the beginnings, each once."""

    def add(self, pattern: ResourcePattern, grant: Grant) -> None:
        (self.prefixes if pattern.open else self.exact).setdefault(pattern.prefix, grant)

    def complete(self) -> None:
        """Call it after the last :meth:`add`."""
        self.lengths = tuple(sorted({len(prefix) for prefix in self.prefixes}))

    def of(self, name: str) -> Grant | None:
        """The statement that has the name."""
        if name in self.exact:
            return self.exact[name]
        for length in self.lengths:
            found = self.prefixes.get(name[:length])
            if found is not None:
                return found
        return None

    def whole(self) -> Grant | None:
        """The statement that has every name."""
        return self.prefixes.get("")

    def any(self) -> Grant | None:
        """Some statement that has some name."""
        return next(iter(self.prefixes.values()), None) or next(iter(self.exact.values()), None)

    def touching(self, prefix: str) -> Grant | None:
        """Some statement that has a name which begins so."""
        for name, grant in self.exact.items():
            if name.startswith(prefix):
                return grant
        for other, grant in self.prefixes.items():
            if other.startswith(prefix) or prefix.startswith(other):
                return grant
        return None


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the statements say about one action."""

    allow: _Names = field(default_factory=_Names)
    deny: _Names = field(default_factory=_Names)


class Authority:
    """Everything that a user was granted, prepared for fast questions."""

    def __init__(self, account: int, grants: Iterable[Grant]) -> None:
        self.account = account
        self.grants: Sequence[Grant] = tuple(grants)
        self._compiled: dict[tuple[str, str], _Rules] = {}

    def rules(self, action: str, product: str = "") -> _Rules:
        """What is said about an action that exists; their number bounds what is kept.

        :param product: whose resources it is about; the action's own service without it.
        """
        found = self._compiled.get((action, product))
        if found is None:
            found = self._compile(action, product or action.partition("/")[0])
            self._compiled[action, product] = found
        return found

    def _compile(self, action: str, product: str) -> _Rules:
        rules = _Rules()
        for grant, patterns in self._patterns:
            if any(action_fits(pattern, action) for pattern in grant.statement.actions):
                names = rules.allow if grant.statement.effect is Effect.ALLOW else rules.deny
                for pattern in patterns:
                    if pattern.product in ("", product):
                        names.add(pattern, grant)
        rules.allow.complete()
        rules.deny.complete()
        return rules

    @cached_property
    def _patterns(self) -> list[tuple[Grant, list[ResourcePattern]]]:
        """Each grant with its resources, read once for all actions."""
        return [
            (grant, [parse_resource(text, self.account) for text in grant.statement.resources])
            for grant in self.grants
        ]


NOBODY = Authority(0, ())
"""Was granted nothing."""


def decide(authority: Authority, action: str, reach: Reach, name: str = "", product: str = "") -> Decision:
    """Whether a user with this authority may do something.

    :param action: ``<service>/<Action>``, one that exists.
    :param name: of the resource, for :attr:`Reach.ONE`; it is compared as it is, whatever stands in it.
    :param product: whose resource it is; the action's own service without it.
    """
    rules = authority.rules(action, product)
    denied = _denied(rules.deny, reach, name)
    if denied is not None:
        return Decision(False, "denied", denied)
    allowed = _allowed(rules.allow, reach, name)
    if allowed is None:
        return Decision(False, "not_granted")
    return Decision(True, "allowed", allowed)


def _denied(deny: _Names, reach: Reach, name: str) -> Grant | None:
    if reach is Reach.ONE:
        return deny.of(name)
    # An answer about all would tell of the denied ones, too; an answer that leaves them out would not.
    return deny.any() if reach is Reach.ALL else deny.whole()


def _allowed(allow: _Names, reach: Reach, name: str) -> Grant | None:
    if reach is Reach.ONE:
        return allow.of(name)
    return allow.whole() if reach is Reach.ALL else allow.any()


def excess(
    mine: Authority, theirs: Authority, questions: Iterable[tuple[str, str]]
) -> tuple[str, str] | None:
    """What of `theirs` goes beyond `mine`: an action and a name; None if nothing does.

    Only what `theirs` allows is looked at, as if nothing of it were denied: a denial can be taken away later.

    :param questions: all actions that exist, each with the services whose resources it may be about.
    """
    for action, product in questions:
        allow = theirs.rules(action, product).allow
        for name in allow.exact:
            if not decide(mine, action, Reach.ONE, name, product).allowed:
                return action, name
        for prefix in allow.prefixes:
            if not _has_all_below(mine.rules(action, product), prefix):
                return action, f"{prefix}*"
    return None


def _has_all_below(rules: _Rules, prefix: str) -> bool:
    allowed = any(prefix.startswith(mine) for mine in rules.allow.prefixes)
    return allowed and rules.deny.touching(prefix) is None
