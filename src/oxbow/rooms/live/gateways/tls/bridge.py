"""One TLS client: its bytes are decrypted into one end of a socket pair whose other end the gateway takes for
the client's own socket.

So viewers stay file descriptors that `sendfile` serves. What holds for a plain socket holds for the pair:
when the client doesn't take its bytes, the pair fills, and the gateway sees a viewer that lags; when one side
hangs up, be it by half, so does the other. In the middle wait at most one read in each direction.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from oxbow.rooms.live.gateways.tls.contexts import TlsSocket

CHUNK = 32 * 1024
"""Encrypted at once; the most that waits here for a client that doesn't read."""
RECORD = 16 * 1024
"""The longest TLS record (RFC 8446 section 5.1), so that nothing stays in OpenSSL where no event tells of
it."""
TURNS = 8
"""Reads in a row before other connections get their turn."""

_chunk = memoryview(bytearray(CHUNK))
"""Shared by all: what was read into it has left it when the next one reads."""
_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
_FAILURES = (OSError, ValueError)
"""What a socket that is broken or has said goodbye raises."""


class Owner(Protocol):
    """Where bridges come from."""

    def shake_hands(self, step: Callable[[], None]) -> None:
        """Run a step of a handshake when it is its turn."""

    def shaken(self, bridge: TlsBridge) -> socket.socket | None:
        """The handshake is done: make the gateway's connection, and return the bridge's end of the pair."""

    def shake_failed(self, bridge: TlsBridge, error: Exception) -> None:
        """The client wanted something else."""

    def torn_down(self, bridge: TlsBridge) -> None:
        """The client's socket is closed."""


class TlsBridge:
    """From the handshake to the end; runs in the worker's event loop."""

    __slots__ = (
        "_fd",
        "_held",
        "_inner",
        "_inner_fd",
        "_is_finished",
        "_loop",
        "_owner",
        "_pending",
        "deadline",
        "is_alone",
        "peer",
        "sock",
    )

    def __init__(
        self, owner: Owner, loop: asyncio.AbstractEventLoop, sock: TlsSocket, peer: str, deadline: float
    ) -> None:
        self._owner = owner
        self._loop = loop
        self.sock = sock
        self._fd = sock.fileno()
        self._inner: socket.socket | None = None
        self._inner_fd = -1
        self._pending = b""
        """Taken from the gateway, not taken by the client yet."""
        self._held = b""
        """Taken from the client, not taken by the gateway yet."""
        self._is_finished = False
        """Whether the client was told that nothing more comes."""
        self.is_alone = False
        """Whether the gateway has closed its end."""
        self.peer = peer
        """`ip:port` of the client."""
        self.deadline: float | None = deadline
        """Loop time at which the owner closes this; None while the gateway watches over the client."""
        loop.add_reader(self._fd, self._greeted)

    # The handshake.

    def _greeted(self) -> None:
        self._loop.remove_reader(self._fd)
        self._owner.shake_hands(self._shake)

    def _shake(self) -> None:
        if self._fd < 0:
            return
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.add_reader(self._fd, self._greeted)
        except ssl.SSLWantWriteError:
            self._loop.add_writer(self._fd, self._shake_on)
        except _FAILURES as error:
            self._owner.shake_failed(self, error)
            self.close()
        else:
            self._open()

    def _shake_on(self) -> None:
        self._loop.remove_writer(self._fd)
        self._owner.shake_hands(self._shake)

    def _open(self) -> None:
        self.deadline = None
        self._inner = self._owner.shaken(self)
        if self._inner is None:
            self.close()
            return
        self._inner_fd = self._inner.fileno()
        self._loop.add_reader(self._inner_fd, self._outward)
        self._loop.add_reader(self._fd, self._inward)

    # From the gateway to the client.

    def _outward(self) -> None:
        assert self._inner is not None
        for _ in range(TURNS):
            try:
                size = self._inner.recv_into(_chunk)
            except BlockingIOError:
                return
            except OSError:  # the gateway closed with something unread; all that it sent has come by now
                size = 0
            if not size:
                self._finish()
                return
            if not self._encrypt(_chunk[:size]) or size < CHUNK:
                return

    def _encrypt(self, data: memoryview) -> bool:
        """Whether the client took it all; if not, the pair is left alone until it has."""
        while data:
            try:
                data = data[self.sock.send(data) :]
            except _WANTS:
                self._pending = bytes(data)
                self._loop.remove_reader(self._inner_fd)
                self._loop.add_writer(self._fd, self._flush)
                return False
            except _FAILURES:
                self.close()
                return False
        return True

    def _flush(self) -> None:
        data, self._pending = self._pending, b""
        if self._encrypt(memoryview(data)):
            self._loop.remove_writer(self._fd)
            self._loop.add_reader(self._inner_fd, self._outward)

    def _finish(self) -> None:
        """The gateway sends no more. It may still want to see the client hang up, unless it has gone."""
        self._loop.remove_reader(self._inner_fd)
        self._is_finished = True
        with contextlib.suppress(*_FAILURES):
            self.sock.unwrap()  # our goodbye (close_notify); the client's is not awaited
        if self.is_alone:
            self.close()
            return
        try:
            # From here on bytes come as they are, encrypted: nobody is going to read them.
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    def abandon(self, deadline: float) -> None:
        """The gateway has closed its end: the client may fetch what is on its way until `deadline`."""
        self.is_alone = True
        self.deadline = deadline
        if self._is_finished:
            self.close()

    # From the client to the gateway.

    def _inward(self) -> None:
        for _ in range(TURNS):
            try:
                data = self.sock.recv(RECORD)
            except _WANTS:
                return
            except BlockingIOError:
                return
            except _FAILURES:
                self.close()
                return
            if not data:
                self._hung_up()
                return
            if not self._decrypted(data):
                return

    def _decrypted(self, data: bytes) -> bool:
        """Whether the gateway took it all; if not, the client is left alone until it has."""
        assert self._inner is not None
        try:
            sent = self._inner.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return True  # the gateway has closed: what comes now is for nobody
        if sent == len(data):
            return True
        if not self._held:
            self._loop.remove_reader(self._fd)
            self._loop.add_writer(self._inner_fd, self._hand_over)
        self._held = data[sent:]
        return False

    def _hand_over(self) -> None:
        if self._decrypted(self._held):
            self._held = b""
            self._loop.remove_writer(self._inner_fd)
            self._loop.add_reader(self._fd, self._inward)

    def _hung_up(self) -> None:
        """The client sends no more, and the gateway is to see it as it would on the client's own socket."""
        assert self._inner is not None
        self._loop.remove_reader(self._fd)
        try:
            self._inner.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close both sockets now. Safe to call twice."""
        if self._fd < 0:
            return
        for fd in (self._fd, self._inner_fd):
            if fd >= 0:
                self._loop.remove_reader(fd)
                self._loop.remove_writer(fd)
        self._fd = self._inner_fd = -1
        self.sock.close()
        if self._inner is not None:
            self._inner.close()
        self._owner.torn_down(self)
