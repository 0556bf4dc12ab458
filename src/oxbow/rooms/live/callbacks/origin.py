"""Origin authorisation: an operator's server decides about everybody who wants to publish or play.

What is asked is the request with its variables filled in, and so is what an answer counts for: where the
variables name the client, every client is asked about, and where they name the stream only, one answer
serves all its viewers. However many want the same answer, it is asked for once.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from oxbow.kernel.logs import get_logger
from oxbow.kernel.outbound import OutboundClient, OutboundError, OutboundResponse
from oxbow.kernel.webhooks.attempt import FindPair
from oxbow.kernel.webhooks.models import Hook, masked_url
from oxbow.kernel.webhooks.request import hook_request
from oxbow.rooms.live.callbacks.settings import OriginAuth

AT_A_TIME = 16
"""Questions on their way to one domain's server."""
IN_LINE = 2000
"""Different questions of one domain that may wait; beyond, its server counts as down."""
LINE_SECONDS = 3.0
"""How long a question may wait for its turn."""
FAILURE_SECONDS = 1.0
"""A server that gave no usable answer is not asked the same again for so long."""
MAX_CACHED = 50_000
ANSWER_BYTES = 64 * 1024
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})")

Key = tuple[str, str, str, tuple[tuple[str, str], ...], tuple[int | str, ...]]
"""What is asked, and the setting by which the answer is read: a setting that changes begins anew."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OriginVerdict:
    """`reason` is empty for whoever is let in."""

    reason: str = ""
    description: str = ""
    found: str = ""

    @property
    def allowed(self) -> bool:
        return not self.reason


_ALLOWED = OriginVerdict()


class NoUsableAnswer(Exception):  # noqa: N818 - named by what it says.
    """The server is down, too slow, or talks nonsense."""


class OriginAuthority:
    """:param clock: seconds that only grow."""

    def __init__(self, client: OutboundClient, find_pair: FindPair, clock: Callable[[], float]) -> None:
        self._client = client
        self._find_pair = find_pair
        self._clock = clock
        self._known: OrderedDict[Key, tuple[float, OriginVerdict]] = OrderedDict()
        """Until when which verdict counts."""
        self._flights: dict[Key, asyncio.Task[OriginVerdict]] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._in_line: dict[str, int] = {}

    async def decide(self, account: int, domain: str, auth: OriginAuth, hook: Hook) -> OriginVerdict:
        """May they? Never raises; takes at most the setting's timeout and LINE_SECONDS."""
        key: Key = (domain, hook.method, hook.url, tuple(sorted(hook.vars.items())), _rules(auth))
        known = self._known.get(key)
        if known is not None and known[0] > self._clock():
            return known[1]
        flight = self._flights.get(key)
        if flight is None:
            if self._in_line.get(domain, 0) >= IN_LINE:
                return self._without_answer(auth, f"{IN_LINE} questions wait already")
            flight = asyncio.create_task(self._fly(key, account, auth, hook))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)  # who gives up leaves it to the others

    async def close(self) -> None:
        """Ask nothing more."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _fly(self, key: Key, account: int, auth: OriginAuth, hook: Hook) -> OriginVerdict:
        domain = key[0]
        self._in_line[domain] = self._in_line.get(domain, 0) + 1
        try:
            async with asyncio.timeout(hook.timeout + LINE_SECONDS):
                async with self._turns.setdefault(domain, asyncio.Semaphore(AT_A_TIME)):
                    response = await self._ask(account, hook)
            verdict, seconds = _read(auth, response), _cache_seconds(auth, response)
        except (OutboundError, TimeoutError, NoUsableAnswer) as error:
            problem = str(error) or "the question waited too long for its turn"
            log.warning("origin_auth_failed", domain=domain, url=masked_url(hook.url), problem=problem)
            verdict, seconds = self._without_answer(auth, problem), FAILURE_SECONDS
        finally:
            self._in_line[domain] -= 1
            if not self._in_line[domain]:
                del self._in_line[domain], self._turns[domain]
        self._keep(key, verdict, seconds)
        return verdict

    async def _ask(self, account: int, hook: Hook) -> OutboundResponse:
        request = hook_request(hook, await self._find_pair(account))
        return await self._client.request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            timeout=hook.timeout,
            max_bytes=ANSWER_BYTES,
        )

    def _keep(self, key: Key, verdict: OriginVerdict, seconds: float) -> None:
        self._known.pop(key, None)
        if seconds > 0:
            self._known[key] = self._clock() + seconds, verdict
            if len(self._known) > MAX_CACHED:
                self._known.popitem(last=False)

    def _without_answer(self, auth: OriginAuth, problem: str) -> OriginVerdict:
        if auth.on_failure == "allow":
            return _ALLOWED
        return OriginVerdict(
            "origin_unavailable", "this cannot be decided at the moment, try again shortly", problem
        )


def _rules(auth: OriginAuth) -> tuple[int | str, ...]:
    """What of a setting judges answers."""
    return auth.success_code, auth.field, auth.value, auth.cache_seconds, auth.on_failure


def _read(auth: OriginAuth, response: OutboundResponse) -> OriginVerdict:
    """What an answer says. A server in trouble (5xx) decides nothing, unless that status lets in."""
    status = response.status
    if auth.success_code not in (0, status):
        if status >= 500:
            raise NoUsableAnswer(f"status {status}")
        return OriginVerdict("origin_refused", "the origin does not let you in", f"status {status}")
    if not auth.field:
        return _ALLOWED
    found = _field(auth.field, response)
    if found == auth.value:
        return _ALLOWED
    return OriginVerdict("origin_refused", "the origin does not let you in", f"{auth.field}={found}"[:200])


def _field(name: str, response: OutboundResponse) -> str:
    """A field of the answer as text; empty if it has none. NoUsableAnswer if it is no JSON object."""
    if response.truncated:
        raise NoUsableAnswer(f"an answer of more than {ANSWER_BYTES} bytes")
    try:
        document: Any = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise NoUsableAnswer("the answer is no JSON object")
    value = document.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()


def _cache_seconds(auth: OriginAuth, response: OutboundResponse) -> float:
    """How long an answer counts: as its Cache-Control says (RFC 9111), else as the setting does."""
    control = response.headers.get("cache-control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return 0.0
    if match := _MAX_AGE.search(control):
        return min(float(match[1]), 86_400.0)
    return float(auth.cache_seconds)
