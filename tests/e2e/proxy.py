"""Ways to reach a domain that no DNS knows: a proxy (HTTP CONNECT) that leads every name to this machine, and
a port that encrypts for clients which cannot be given a name."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def proxy() -> Iterator[str]:
    """Its address as `http_proxy` takes it."""
    with _listening(_connect) as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def encrypting(port: int, name: str, context: ssl.SSLContext) -> Iterator[int]:
    """A port whose clients reach `port` over TLS, asking for `name`."""

    def serve(client: socket.socket) -> None:
        plain = socket.create_connection(("127.0.0.1", port))
        _join(client, context.wrap_socket(plain, server_hostname=name))

    with _listening(serve) as own:
        yield own


@contextlib.contextmanager
def _listening(serve: Serve) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, serve), daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def _accept(listener: socket.socket, serve: Serve) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()


def _connect(client: socket.socket) -> None:
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += client.recv(4096)
    port = int(asked.split()[1].rpartition(b":")[2])
    server = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
    _join(client, server)


def _join(one: socket.socket, other: socket.socket) -> None:
    threading.Thread(target=_pump, args=(other, one), daemon=True).start()
    _pump(one, other)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
