"""The HTTP library's sockets: a connection goes to the very address that was checked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from oxbow.kernel.outbound.errors import OutboundFailed
from oxbow.kernel.outbound.exchange import current
from oxbow.kernel.outbound.guard import AddressGuard
from oxbow.kernel.outbound.names import Resolve

ADDRESS_SECONDS = 2.0
"""How long one of several addresses of a name is tried before the next one."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks every address it has, and connects to one of them."""

    def __init__(self, guard: AddressGuard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """OutboundRefused if any address of the name is forbidden; OutboundFailed if none answers."""
        current.get().stage = "resolving the name"
        addresses = await self._resolve(host, port)
        for address in addresses:
            self._guard.check(host, address)
        current.get().stage = "connecting"
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(ADDRESS_SECONDS):
                    return await self._connect(address, port)
            except (TimeoutError, httpcore.ConnectError):
                continue
        return await self._connect(addresses[-1], port)

    async def _connect(self, address: str, port: int) -> httpcore.AsyncNetworkStream:
        return MeteredStream(await self._sockets.connect_tcp(address, port))

    async def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise OutboundFailed("connect", "no request goes to a Unix socket")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class MeteredStream(httpcore.AsyncNetworkStream):
    """A socket whose every byte counts against the request that reads it."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        current.get().spend(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        current.get().stage = "waiting for the answer"
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        current.get().stage = "shaking hands for TLS"
        try:
            return MeteredStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except httpcore.ConnectError as error:
            raise OutboundFailed("tls", f"TLS failed: {error or 'the server hung up'}") from error

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
