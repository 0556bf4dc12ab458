"""A client's socket in a media worker: non-blocking, driven by readiness until its stream runs."""

import asyncio
import socket

from oxbow.rooms.live.gateways.door import Door

OUT_LIMIT = 256 * 1024
"""Bytes that may wait for a client that doesn't read; more, and it is closed."""
RECEIVE_SIZE = 64 * 1024
HANG_UP_SECONDS = 2.0
"""How long a client may take to hang up after we did."""


class Connection:
    """Base of a protocol's session. Subclasses implement `received` and may extend `closed`."""

    __slots__ = (
        "__weakref__",
        "_closing",
        "_out",
        "_reading",
        "deadline",
        "door",
        "fd",
        "loop",
        "peer",
        "sock",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str, door: Door) -> None:
        self.loop = loop
        self.sock = sock
        self.fd = sock.fileno()
        self.peer = peer
        """`ip:port` of the client."""
        self.door = door
        self.deadline: float | None = loop.time() + door.patience
        """Loop time at which the door closes this connection unless the session moves it; None for never."""
        self._out = b""
        self._closing = False
        self._reading = False
        self.resume_reading()

    def received(self, data: bytes) -> None:
        """Bytes from the client. An exception closes the connection."""
        raise NotImplementedError

    def closed(self, reason: str) -> None:
        """The connection is over: give back what it holds. Called once."""

    def resume_reading(self) -> None:
        """Be told when the client sends something."""
        if not self._reading and self.fd >= 0:
            self._reading = True
            self.loop.add_reader(self.fd, self._readable)

    def pause_reading(self) -> None:
        """Don't be told: somebody else reads the socket, or nobody."""
        if self._reading:
            self._reading = False
            self.loop.remove_reader(self.fd)

    def _readable(self) -> None:
        try:
            data = self.sock.recv(RECEIVE_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close("done" if self._closing else "disconnected")
            return
        if self._closing:
            return
        try:
            self.received(data)
        except Exception as error:
            self.door.crashed(self, error)
            self.close("internal_error")

    def send(self, data: bytes) -> None:
        """Send `data`, keeping what the socket doesn't take at once."""
        if self.fd < 0 or not data:
            return
        if self._out:
            self._out += data
        else:
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close("disconnected")
                return
            self.took(sent)
            if sent == len(data):
                return
            self._out = data[sent:]
            self.loop.add_writer(self.fd, self._writable)
        if len(self._out) > OUT_LIMIT:
            self.close("too_slow")

    def _writable(self) -> None:
        try:
            sent = self.sock.send(self._out)
        except BlockingIOError:
            return
        except OSError:
            self.close("disconnected")
            return
        self.took(sent)
        self._out = self._out[sent:]
        if not self._out:
            self.loop.remove_writer(self.fd)
            if self._closing:
                self._hang_up()
            else:
                self.drained()

    def took(self, size: int) -> None:
        """The socket has taken so many bytes of what was sent here."""

    def drained(self) -> None:
        """Everything that waited has been sent."""

    @property
    def has_unsent(self) -> bool:
        return bool(self._out)

    def take_unsent(self) -> bytes:
        """Hand what waits over to whoever sends on this socket from now on."""
        out, self._out = self._out, b""
        if out:
            self.loop.remove_writer(self.fd)
        return out

    def close_when_sent(self, seconds: float = 2.0) -> None:
        """Say goodbye: send what waits within `seconds`, then hang up, and close when the client does."""
        self._closing = True
        self.deadline = self.loop.time() + seconds
        if not self._out:
            self._hang_up()

    @property
    def is_closing(self) -> bool:
        return self._closing

    def _hang_up(self) -> None:
        """Close our half only. Closing all of it while the client's bytes are unread would be a reset, which
        may overtake our last words, the reason of a refusal among them."""
        self.deadline = self.loop.time() + HANG_UP_SECONDS
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close("disconnected")
        else:
            self.resume_reading()

    def close(self, reason: str) -> None:
        """Close now. Safe to call twice."""
        if self.fd < 0:
            return
        self.pause_reading()
        if self._out:
            self.loop.remove_writer(self.fd)
            self._out = b""
        try:
            self.closed(reason)
        finally:
            self.fd = -1
            self.sock.close()
            self.door.left(self)
