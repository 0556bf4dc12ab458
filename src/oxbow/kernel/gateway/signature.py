"""Who asks: every request is signed, but for the few paths declared public."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from oxbow.kernel import logs
from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.accounts.models import KeyPair
from oxbow.kernel.audit import Actor, acting_as
from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.body import body_of
from oxbow.kernel.gateway.middleware import HttpMiddleware, header_values
from oxbow.kernel.gateway.principal import Principal, principal_of, set_principal
from oxbow.kernel.iam.decision import NOBODY, Authority
from oxbow.kernel.logs import get_logger
from oxbow.kernel.signing import BadAuthorization, SignedRequest, parse_authorization, signed_date, verify

log = get_logger(__name__)

_SUSPECT = "oxbow.suspect"
_NOBODYS_SECRET = secrets.token_urlsafe(30)  # Unknown keys cost the same HMACs as known ones.


class BadToken(ApiError):  # noqa: N818 - named by what it says
    """The request is not signed, or not rightly; the answer is the same whatever is wrong with it.

    :param why: what is, for the log and the record of refusals.
    """

    def __init__(self, why: str = "", access_key: str = "") -> None:
        headers = {"WWW-Authenticate": "Qiniu"}
        super().__init__(401, "bad token", headers=headers, why=why, access_key=access_key)


def concerned(scope: Scope) -> tuple[int, str]:
    """(account, access key) that a request concerns: who signed it, or whose key it names in vain.

    Account 0 and an empty key where it names none that we know.
    """
    who: Principal | KeyPair | None = principal_of(scope) or scope.get(_SUSPECT)
    return (who.account.id, who.access_key) if who is not None else (0, "")


def authenticated(request: Request) -> Principal:
    """The dependency of routes that need to know who asks."""
    principal = principal_of(request.scope)
    if principal is None:
        raise BadToken
    return principal


Authenticated = Annotated[Principal, Depends(authenticated)]


class Signature(HttpMiddleware):
    """Let a request through when its signature is right.

    :param rights: what a user was granted, by the user's id.
    :param skew: seconds the ``X-Qiniu-Date`` may be from our clock, either way.
    :param public: the paths that need no signature, exactly as they are requested.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyRing,
        skew: float,
        public: Collection[str],
        rights: Callable[[int], Awaitable[Authority]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(app)
        self._keys = keys
        self._skew = skew
        self._public = frozenset(public)
        self._rights = rights
        self._clock = clock

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who asks, then serve the request."""
        if scope["path"] in self._public:
            await self.app(scope, receive, send)
            return
        principal = await self._principal(scope)
        set_principal(scope, principal)
        with acting_as(_actor(scope, principal)):
            await self.app(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal:
        try:
            credential = parse_authorization(_authorization(scope))
        except BadAuthorization as error:
            raise _refusal(f"the Authorization header {error}") from None
        request = _signed_request(scope)
        pair = await self._keys.find(credential.access_key)
        right = verify(credential, request, pair.secret_key if pair else _NOBODYS_SECRET)
        if pair is None or not pair.enabled or not right:
            scope[_SUSPECT] = pair
            raise _refusal(_what_is_wrong(pair), credential.access_key)
        if credential.scheme == "Qiniu":  # QBox does not sign headers, so its date would prove nothing.
            self._check_date(request)
        authority = await self._rights(pair.user.id) if pair.user else NOBODY
        return Principal(pair.account, pair.access_key, pair.user, authority)

    def _check_date(self, request: SignedRequest) -> None:
        """Refuse what was signed too long ago: it may be a recording."""
        try:
            signed_at = signed_date(request)
        except ValueError:
            raise ApiError(403, "X-Qiniu-Date: takes a UTC time such as 20260101T000000Z") from None
        now = datetime.fromtimestamp(self._clock(), UTC)
        if signed_at is not None and abs((now - signed_at).total_seconds()) > self._skew:
            ours = f"the server's time, {now:%Y%m%dT%H%M%SZ}"
            raise ApiError(403, f"X-Qiniu-Date: is more than {self._skew:g} seconds from {ours}")


def _refusal(reason: str, access_key: str | None = None) -> BadToken:
    # The reason is for the operator who is asked why; the client learns none.
    log.info("signature_refused", reason=reason, access_key=access_key)
    return BadToken(reason, access_key or "")


def _what_is_wrong(pair: KeyPair | None) -> str:
    if pair is None:
        return "unknown access key"
    return "wrong signature" if pair.enabled else "disabled access key"


def _actor(scope: Scope, principal: Principal) -> Actor:
    """Whom the audit names for what this request changes."""
    agents = header_values(scope, b"user-agent")
    return Actor(
        name=principal.name,
        account=principal.account.id,
        user=principal.user.id if principal.user else None,
        access_key=principal.access_key,
        client=(scope.get("client") or ("",))[0],
        request_id=logs.request_id.get() or "",
        user_agent=agents[0].decode("latin-1") if agents else "",
        action=f"{scope['method']} {scope['path']}",
    )


def _authorization(scope: Scope) -> str:
    """The header, as long as there is exactly one."""
    values = header_values(scope, b"authorization")
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _signed_request(scope: Scope) -> SignedRequest:
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    return SignedRequest.of_headers(
        scope["method"], path, scope["query_string"], scope["headers"], body_of(scope)
    )
