"""Encoders and viewers that need no ffmpeg: sockets, a thread each, and a broadcast whose frames tell their
times."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Self

from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, Request

from broadcast import broadcast, setup
from e2e.media import eventually
from e2e.server import Server
from oxbow.client import Client
from oxbow.proto import flv
from oxbow.proto.rtmp.client import ClientConnection, StatusReceived
from oxbow.proto.rtmp.message import Message

HOST = "127.0.0.1"
TIMEOUT = 20.0
FRAME_MS = 40


class RefusedError(Exception):
    """The server doesn't let the encoder publish; the text is what it says."""


def connect(port: int, receive_buffer: int = 0) -> socket.socket:
    """A connection to the server; `receive_buffer` makes it one that takes little ahead."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(TIMEOUT)
    sock.connect((HOST, port))
    return sock


def workers(api: Client) -> dict[int, int]:
    """Process id of each media worker that is connected to control, by its index."""
    return {item["index"]: item["pid"] for item in api.get("/v2/server")["workers"]}


def holder(sock: socket.socket, processes: Iterable[int]) -> int:
    """Which of the server's processes holds the other end of a connection."""
    ours, theirs = sock.getsockname()[1], sock.getpeername()[1]

    def find() -> int | None:
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if (int(fields[1][-4:], 16), int(fields[2][-4:], 16)) == (theirs, ours):
                return next((pid for pid in processes if _has_open(pid, f"socket:[{fields[9]}]")), None)
        return None

    return eventually(find, "a process to accept the connection")


def _has_open(pid: int, file: str) -> bool:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if str(descriptor.readlink()) == file:
                return True
        except FileNotFoundError:  # closed since it was listed
            continue
    return False


def connect_to(pid: int, port: int, processes: Iterable[int]) -> socket.socket:
    """A connection that the kernel, which spreads them, has given to one process of the server's."""
    for _ in range(100):
        sock = connect(port)
        if holder(sock, processes) == pid:
            return sock
        sock.close()
    raise AssertionError(f"no connection came to process {pid}")


class Encoder:
    """Publishes over RTMP: by `send`, or with `go_live` on its own, 25 pictures and sounds a second."""

    def __init__(self, server: Server, path: str, *, sock: socket.socket | None = None) -> None:
        """Connect and wait to be let in; RefusedError."""
        hub, _, stream = path.partition("/")
        self.sock = sock or connect(server.rtmp_port)
        self._rtmp = ClientConnection(hub, f"rtmp://{HOST}/{hub}")
        self._rtmp.publish(stream)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.at = 0
        """The time stamp of the next picture."""
        self._wait_for_the_answer()

    def _wait_for_the_answer(self) -> None:
        while True:
            self.sock.sendall(self._rtmp.data_to_send())
            data = self.sock.recv(65536)
            if not data:
                raise RefusedError("the server closed the connection")
            for event in self._rtmp.receive(data):
                if isinstance(event, StatusReceived):
                    if event.code != "NetStream.Publish.Start":
                        self.sock.close()
                        raise RefusedError(event.description)
                    return

    def send(self, messages: Iterable[Message]) -> None:
        for type_id, timestamp, _, payload in messages:
            self._rtmp.send(type_id, timestamp, payload)
        self.sock.sendall(self._rtmp.data_to_send())

    def go_live(self, size: int = 1000) -> Self:
        """Publish in real time until `close`, pictures of about `size` bytes, a keyframe a second."""
        self._thread = threading.Thread(target=self._live, args=(size,), daemon=True)
        self._thread.start()
        return self

    def _live(self, size: int) -> None:
        began = time.monotonic()
        try:
            self.send(setup())
            while not self._stop.wait(max(0.0, began + self.at / 1000 - time.monotonic())):
                self.send(broadcast(self.at, self.at + FRAME_MS, size=size))
                self.at += FRAME_MS
        except OSError:
            return  # the server has closed the connection

    @property
    def is_live(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Viewer:
    """Collects what the server sends on a connection, in a thread of its own from `read` on."""

    def __init__(self, sock: socket.socket, asked: bytes) -> None:
        self.sock = sock
        self.media: list[flv.Tag | Message] = []
        """All sound and picture that has come."""
        self.ended = False
        """The server has closed the connection."""
        self._rest = b""
        self._head_is_over = False
        sock.sendall(asked)

    def read(self) -> Self:
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self) -> None:
        self.sock.settimeout(None)
        try:
            while data := self.sock.recv(1 << 18):
                self.take(data)
        except OSError:
            pass
        self.ended = True

    def take(self, data: bytes) -> None:
        """HTTP's head, FLV's, then tags."""
        self._rest += data
        if not self._head_is_over:
            _, end, body = self._rest.partition(b"\r\n\r\n")
            if not end or len(body) < len(flv.FILE_HEADER):
                return
            assert body.startswith(b"FLV\x01"), self._rest
            self._rest, self._head_is_over = body[len(flv.FILE_HEADER) :], True
        tags, consumed = flv.iter_tags(self._rest)
        self.media += tags
        self._rest = self._rest[consumed:]

    def pictures(self) -> list[flv.Tag | Message]:
        """All pictures, without the decoder's setup."""
        return [item for item in self.media if item[0] == flv.VIDEO and item[-1][1] == 1]

    def times(self) -> list[int]:
        """The time that each picture tells of itself: what its encoder meant."""
        return [int.from_bytes(picture[-1][10:18], "big") for picture in self.pictures()]

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WebSocketViewer(Viewer):
    """FLV over WebSocket."""

    def __init__(self, sock: socket.socket, path: str) -> None:
        self._protocol = WSConnection(ConnectionType.CLIENT)
        super().__init__(sock, self._protocol.send(Request(host=HOST, target=f"/{path}.flv")))
        self._rest = b"\r\n\r\n"  # HTTP's head is the WebSocket protocol's affair

    def take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events():
            if isinstance(event, BytesMessage):
                super().take(bytes(event.data))


class RtmpViewer(Viewer):
    """An RTMP player."""

    def __init__(self, sock: socket.socket, path: str) -> None:
        hub, _, stream = path.partition("/")
        self._rtmp = ClientConnection(hub, f"rtmp://{HOST}/{hub}")
        self._rtmp.play(stream)
        super().__init__(sock, self._rtmp.data_to_send())

    def take(self, data: bytes) -> None:
        self.media += [event for event in self._rtmp.receive(data) if isinstance(event, Message)]
        self.sock.sendall(self._rtmp.data_to_send())


def flv_viewer(sock: socket.socket, path: str) -> Viewer:
    """A viewer over HTTP-FLV."""
    return Viewer(sock, f"GET /{path}.flv HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())


VIEWERS: dict[str, Callable[[socket.socket, str], Viewer]] = {
    "flv": flv_viewer,
    "ws": WebSocketViewer,
    "rtmp": RtmpViewer,
}


def watch(server: Server, path: str, protocol: str = "flv", sock: socket.socket | None = None) -> Viewer:
    """Begin to watch `hub/stream`."""
    port = server.rtmp_port if protocol == "rtmp" else server.media_port
    return VIEWERS[protocol](sock or connect(port), path).read()


def is_whole(times: list[int]) -> bool:
    """Whether pictures came one after the other, none missing and none twice."""
    return all(later - earlier == FRAME_MS for earlier, later in pairwise(times))


def see_on(*viewers: Viewer, pictures: int = 15) -> None:
    """Wait until each viewer has got so many more pictures than it has now."""
    wanted = [(viewer, len(viewer.times()) + pictures) for viewer in viewers]
    eventually(
        lambda: all(len(viewer.times()) >= count for viewer, count in wanted), f"{pictures} more pictures"
    )
