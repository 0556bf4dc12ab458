"""A listening port whose clients speak TLS."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import structlog

from oxbow.rooms.live.gateways.door import Door, Factory
from oxbow.rooms.live.gateways.tls.bridge import TlsBridge
from oxbow.rooms.live.gateways.tls.contexts import Contexts
from oxbow.rooms.live.gateways.tls.handshakes import Handshakes

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxbow.rooms.live.gateways.connection import Connection

LINGER_SECONDS = 2.0
"""How long a client may take to fetch what was sent to it before the gateway closed."""

log = structlog.get_logger("oxbow.live.tls")


class TlsDoor(Door):
    """Shakes hands first; a connection of the gateway begins where that ends."""

    secure = True

    def __init__(
        self,
        name: str,
        sock: socket.socket,
        factory: Factory,
        patience: float,
        per_address: int,
        contexts: Contexts,
    ) -> None:
        super().__init__(name, sock, factory, patience, per_address)
        self._contexts = contexts
        self._bridges: set[TlsBridge] = set()
        self._bridge_of: dict[Connection, TlsBridge] = {}
        self._handshakes: Handshakes | None = None

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to accept."""
        self._handshakes = Handshakes(loop)
        super().open(loop)

    def end(self) -> None:
        """Close every client's socket, whatever it still waits for."""
        super().end()
        for bridge in list(self._bridges):
            bridge.close()

    def local_address(self, connection: Connection) -> str:
        """`ip:port` that the client connected to."""
        return "{}:{}".format(*self._bridge_of[connection].sock.getsockname()[:2])

    def sweep(self, now: float) -> None:
        """Also close who takes too long over its handshake, or over the last bytes."""
        super().sweep(now)
        for bridge in [b for b in self._bridges if b.deadline is not None and b.deadline < now]:
            if not bridge.is_alone:
                self.refused["timeout"] += 1
            bridge.close()

    def left(self, connection: Connection) -> None:
        """A connection was closed; its client may still fetch what was sent to it."""
        self.connections.discard(connection)
        bridge = self._bridge_of.pop(connection)
        bridge.abandon(connection.loop.time() + LINGER_SECONDS)

    def _welcome(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str) -> None:
        try:
            wrapped = self._contexts.wrap(sock)
        except OSError:  # gone already
            sock.close()
            self._forget(peer)
            return
        self._bridges.add(TlsBridge(self, loop, wrapped, peer, loop.time() + self.patience))

    # What bridges ask for.

    def shake_hands(self, step: Callable[[], None]) -> None:
        """Run a step of a handshake when it is its turn."""
        assert self._handshakes is not None
        self._handshakes.add(step)

    def shaken(self, bridge: TlsBridge) -> socket.socket | None:
        """Give the gateway its end of a pair, and the bridge the other one; None if there are no more
        descriptors."""
        assert self._loop is not None
        try:
            inner, outer = socket.socketpair()
        except OSError as error:
            log.error("no more connections can be accepted", door=self.name, error=str(error))
            self.refused["out_of_descriptors"] += 1
            return None
        inner.setblocking(False)
        outer.setblocking(False)
        connection = self._factory(self._loop, outer, bridge.peer, self)
        self.connections.add(connection)
        self._bridge_of[connection] = bridge
        return inner

    def shake_failed(self, bridge: TlsBridge, error: Exception) -> None:
        """Say why in the log: a domain without a certificate is an operator's to find."""
        name = bridge.sock.server_name
        reason = "tls_unknown_domain" if bridge.sock.is_unknown else "tls_handshake"
        self.refused[reason] += 1
        log.info("refused", client=bridge.peer, domain=name, reason=reason, description=str(error))

    def torn_down(self, bridge: TlsBridge) -> None:
        """A client's socket is closed."""
        self._bridges.discard(bridge)
        self._forget(bridge.peer)
