"""A listening port in a media worker: lets clients in, bounds how many one address may be, shows the silent
ones out."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from oxbow.rooms.live.gateways.connection import Connection

ACCEPT_BATCH = 64
EXHAUSTED_PAUSE = 0.2
"""Seconds without accepting after the process ran out of descriptors; the backlog waits in the kernel."""

log = structlog.get_logger("oxbow.live.door")

Factory = Callable[[asyncio.AbstractEventLoop, socket.socket, str, "Door"], "Connection"]


class Door:
    """Accepts connections on one port and keeps account of them."""

    secure = False
    """Whether clients speak TLS: their addresses begin with https, wss or rtmps."""

    def __init__(
        self, name: str, sock: socket.socket, factory: Factory, patience: float, per_address: int
    ) -> None:
        """`patience`: seconds a client has to say what it wants; `per_address`: 0 for unlimited."""
        self.name = name
        self.patience = patience
        self.connections: set[Connection] = set()
        self.refused: Counter[str] = Counter()
        """Connections that were turned away, by reason, since last asked."""
        self._sock = sock
        self._factory = factory
        self._per_address = per_address
        self._addresses: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to accept."""
        self._loop = loop
        self._sock.setblocking(False)
        loop.add_reader(self._sock.fileno(), self._accept)

    def close(self) -> None:
        """Stop accepting; connections stay."""
        if self._loop is not None and self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()

    def end(self) -> None:
        """Close every connection."""
        for connection in list(self.connections):
            connection.close("shutdown")

    def local_address(self, connection: Connection) -> str:
        """`ip:port` that the client connected to."""
        return "{}:{}".format(*connection.sock.getsockname()[:2])

    def _accept(self) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._exhausted(error)
                return
            self._let_in(sock, address)

    def _exhausted(self, error: OSError) -> None:
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            raise error
        log.error("no more connections can be accepted", door=self.name, error=str(error))
        self.refused["out_of_descriptors"] += 1
        loop = self._loop
        if loop is not None:
            loop.remove_reader(self._sock.fileno())
            loop.call_later(EXHAUSTED_PAUSE, self._accept_again)

    def _accept_again(self) -> None:
        if self._loop is not None and self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _let_in(self, sock: socket.socket, address: tuple[str, int]) -> None:
        host = _plain(address[0])
        if self._per_address and self._addresses[host] >= self._per_address:
            self.refused["too_many_connections"] += 1
            log.warning("too many connections from one address", door=self.name, client=host)
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._addresses[host] += 1
        assert self._loop is not None
        self._welcome(self._loop, sock, f"{host}:{address[1]}")

    def _welcome(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str) -> None:
        self.connections.add(self._factory(loop, sock, peer, self))

    def left(self, connection: Connection) -> None:
        """A connection was closed."""
        self.connections.discard(connection)
        self._forget(connection.peer)

    def _forget(self, peer: str) -> None:
        """A client's socket is closed."""
        host = peer.rpartition(":")[0]
        self._addresses[host] -= 1
        if self._addresses[host] <= 0:
            del self._addresses[host]

    def crashed(self, connection: Connection, error: Exception) -> None:
        """A session failed in a way it did not expect: only its own client suffers."""
        log.error("a session failed", door=self.name, client=connection.peer, exc_info=error)

    def sweep(self, now: float) -> None:
        """Close what is past its deadline; to be called about once a second with the loop's time."""
        for connection in [c for c in self.connections if c.deadline is not None and c.deadline < now]:
            if connection.is_closing:
                connection.close("done")
            else:
                self.refused["timeout"] += 1
                connection.close("timeout")


def _plain(host: str) -> str:
    """An IPv4 client of a dual-stack socket is known by its IPv4 address."""
    return host.removeprefix("::ffff:") if host.startswith("::ffff:") and "." in host else host
