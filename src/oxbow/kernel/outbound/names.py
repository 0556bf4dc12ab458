"""Names to addresses, by the machine's resolver and never in the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from oxbow.kernel.outbound.errors import OutboundFailed

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""All addresses of a host name or of any spelling of an address, in the order of preference."""
THREADS = 16
"""Lookups at a time. One that nobody waits for any more holds its thread until libc gives up (about 10 s),
and one that has not begun is dropped."""


class SystemResolver:
    """getaddrinfo: hosts file, DNS, and old spellings of addresses such as 0x7f.1."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="outbound-names")

    async def __call__(self, host: str, port: int) -> list[str]:
        """OutboundFailed if the name has no address."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _lookup, host, port)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "is no host name"
            raise OutboundFailed("name", f"{host} has no address: {reason}") from error
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lookup(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
