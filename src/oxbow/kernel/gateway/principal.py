"""On whose behalf a request is made, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.types import Scope

from oxbow.kernel.accounts.models import Account, User
from oxbow.kernel.errors import ApiError
from oxbow.kernel.iam.actions import Action
from oxbow.kernel.iam.decision import NOBODY, Authority, Decision, Reach, decide
from oxbow.kernel.iam.errors import NotGranted

_PRINCIPAL = "oxbow.principal"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who signed a request, and with which key.

    What is asked here is always about the action that the request asks for; :meth:`asking` is for another.
    """

    account: Account
    access_key: str
    user: User | None = None
    """The user whose key it is; None for the account's own key, which may do everything."""
    authority: Authority = NOBODY
    """What the user was granted."""
    action: Action | None = None
    """What the request asks for; known once its route is."""

    @property
    def name(self) -> str:
        """As the audit and the log name it."""
        return f"{self.account.name}/{self.user.alias}" if self.user else self.account.name

    @property
    def may_all(self) -> bool:
        """Whether the request may do what it asks for to all resources of its service."""
        return self.user is None or self._decide(Reach.ALL).allowed

    def may(self, name: str) -> bool:
        """Whether the request may do what it asks for to the resource of this name."""
        return self.user is None or self._decide(Reach.ONE, name).allowed

    def may_about(self, subject: str) -> bool:
        """The same for what is told of a subject, such as ``hub/live/stream/one``.

        What is of no resource, or of a kind that nobody knows, is for those who may see everything.
        """
        if self.user is None:
            return True
        kind, _, rest = subject.partition("/")
        product, name = self.action.kinds.get(kind) if self.action else None, rest.partition("/")[0]
        if not product or not name:
            return self.may_all
        decision = self._decide(Reach.ONE, name, product)
        return decision.allowed or (decision.reason == "not_granted" and self.may_all)

    def demand(self, name: str) -> None:
        """:class:`NotGranted` unless :meth:`may`."""
        if not self.may(name):
            raise self._refusal(name)

    def demand_all(self) -> None:
        """:class:`NotGranted` unless :attr:`may_all`."""
        if not self.may_all:
            raise self._refusal("*")

    def demand_route(self, name: str) -> None:
        """Whether the request may be served at all: about the resource it names, if it names one.

        :class:`NotGranted` if not.
        """
        if self.action is None or self.action.reach is Reach.ALL:
            self.demand_all()
        elif self.action.reach is Reach.ONE:
            self.demand(name)
        elif self.user and not any(
            self._decide(Reach.ANY, "", product).allowed for product in self.action.products
        ):
            raise self._refusal("*")

    def demand_own_key(self) -> None:
        """What only the account's own keys may do, whatever a user was granted; ApiError 403."""
        if self.user is not None:
            raise ApiError(403, "access denied: this takes a key of the account itself", rule="permission")

    def asking(self, alias: str) -> Principal:
        """The same one, asking for another action of the service, such as ``GetHub``."""
        return replace(self, action=replace(self.action, alias=alias) if self.action else None)

    def _decide(self, reach: Reach, name: str = "", product: str = "") -> Decision:
        if self.action is None:
            return Decision(False, "not_granted")
        return decide(self.authority, self.action.name, reach, name, product)

    def _refusal(self, name: str) -> NotGranted:
        return NotGranted(self.account.id, self.action.name if self.action else "*", name)


def principal_of(scope: Scope) -> Principal | None:
    """Who signed the request, or None as long as that is not known."""
    return scope.get(_PRINCIPAL)


def set_principal(scope: Scope, principal: Principal) -> None:
    """Say who signed the request, or more about it."""
    scope[_PRINCIPAL] = principal
