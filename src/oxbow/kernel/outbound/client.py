"""The one way out: every request that somebody's settings make this server send goes through here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import httpcore
import httpx

from oxbow.kernel.logs import get_logger
from oxbow.kernel.outbound.errors import OutboundError, OutboundFailed, OutboundRefused
from oxbow.kernel.outbound.exchange import Exchange, current
from oxbow.kernel.outbound.guard import AddressGuard, Network, parse_url
from oxbow.kernel.outbound.names import Resolve, SystemResolver
from oxbow.kernel.outbound.network import GuardedNetwork

MAX_CONNECTIONS = 128
PER_ORIGIN = 32
"""Connections to one scheme, host and port: one that hangs must not keep all others waiting."""
IDLE_SECONDS = 1.5
"""Shorter than servers wait before they close an idle connection, which could meet a request halfway."""
USER_AGENT = "oxbow"

_FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_SECRETS = frozenset(["authorization", "cookie"])

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """An answer, after redirects."""

    status: int
    headers: dict[str, str]
    """By lower-case name; the last one of each counts."""
    body: bytes = field(repr=False)
    """As it came: nothing is decompressed."""
    url: str
    """Where it came from."""
    truncated: bool = False
    """Whether the body went on: what is here are its first `max_bytes`, the rest was never read."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: httpx.URL
    headers: dict[str, str]
    content: bytes


class OutboundClient:
    """HTTP/1.1 over checked connections: bounded in time, size and number. Proxies of the environment are
    ignored: behind one, checked addresses would mean nothing.

    :param allow: networks that may be reached beyond the public ones.
    :param resolve: how names become addresses; by default the machine's way.
    :param trust: who signs certificates; by default certifi's list, or SSL_CERT_FILE's or SSL_CERT_DIR's.
    """

    def __init__(
        self,
        allow: Sequence[Network] = (),
        *,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._names = SystemResolver()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust or httpx.create_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GuardedNetwork(AddressGuard(allow), resolve or self._names),
        )
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        timeout: float = 5.0,
        max_bytes: int = 1 << 20,
        redirects: int = 3,
    ) -> OutboundResponse:
        """Send one request and follow its redirects.

        :param timeout: seconds for everything, from the name to the answer's last byte.
        :param max_bytes: how much of the answer's body is read.
        :raises OutboundRefused: the URL, a redirect or an address is forbidden.
        :raises OutboundFailed: there was no answer, or none that is HTTP.
        """
        exchange = Exchange.of(max_bytes)
        token = current.set(exchange)
        try:
            async with asyncio.timeout(timeout):
                lower = {name.lower(): value for name, value in (headers or {}).items()}
                return await self._follow(
                    _Request(method, parse_url(url), lower, content), max_bytes, redirects
                )
        except TimeoutError as error:
            message = f"no whole answer within {timeout:g} seconds, while {exchange.stage}"
            raise OutboundFailed("timeout", message) from error
        except OutboundRefused as refused:
            log.warning("outbound_refused", url=_public(url), rule=refused.reason, address=refused.address)
            raise
        finally:
            current.reset(token)

    async def close(self) -> None:
        """Drop every connection."""
        await self._pool.aclose()
        self._names.close()

    async def _follow(self, request: _Request, max_bytes: int, redirects: int) -> OutboundResponse:
        for _ in range(redirects + 1):
            response = await self._send(request, max_bytes)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None or not redirects:
                return response
            request = _redirected(request, response.status, location)
        raise OutboundFailed("redirects", f"more than {redirects} redirects")

    async def _send(self, request: _Request, max_bytes: int) -> OutboundResponse:
        origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
        async with self._turns.setdefault(origin, asyncio.Semaphore(PER_ORIGIN)):
            try:
                return await self._exchange(request, max_bytes)
            except _FAILURES as error:
                reason = "connect" if isinstance(error, httpcore.ConnectError) else "protocol"
                raise OutboundFailed(reason, f"{origin}: {error or type(error).__name__}") from error

    async def _exchange(self, request: _Request, max_bytes: int) -> OutboundResponse:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = {"host": url.netloc.decode(), "user-agent": USER_AGENT, "accept-encoding": "identity"}
        headers |= request.headers
        content = request.content or None
        async with self._pool.stream(
            request.method, target, headers=list(headers.items()), content=content
        ) as response:
            current.get().stage = "reading the answer"
            body, truncated = await _head_of(response, max_bytes)
            named = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            return OutboundResponse(response.status, named, body, str(url), truncated)


async def _head_of(response: httpcore.Response, max_bytes: int) -> tuple[bytes, bool]:
    """The body's first bytes, and whether there are more."""
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > max_bytes:
            return bytes(body[:max_bytes]), True
    return bytes(body), False


def _redirected(request: _Request, status: int, location: str) -> _Request:
    """What to send next, as browsers do it; OutboundRefused for an address that no request may have."""
    try:
        url = parse_url(str(request.url.join(location)))
    except OutboundError as error:
        raise OutboundRefused(error.reason, f"the redirect was not followed: {error}") from error
    except (httpx.InvalidURL, ValueError) as error:
        raise OutboundFailed("protocol", "the redirect leads to no address") from error
    if request.url.scheme == "https" and url.scheme == "http":
        raise OutboundRefused("downgrade", "the redirect leads from https to http")
    headers = request.headers
    if (url.scheme, url.netloc) != (request.url.scheme, request.url.netloc):
        headers = {name: value for name, value in headers.items() if name not in _SECRETS}
    if status in (307, 308) or request.method in ("GET", "HEAD"):
        return _Request(request.method, url, headers, request.content)
    headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
    return _Request("GET", url, headers, b"")


def _public(url: str) -> str:
    """The URL without what may be secret in it."""
    return url.partition("?")[0][:256]
