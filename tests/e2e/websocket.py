"""A WebSocket viewer: wsproto over a plain socket."""

from __future__ import annotations

import socket

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request

TIMEOUT = 30


def read_websocket(host: str, port: int, path: str, count: int) -> bytes:
    """Open `ws://host:port/path` and return at least `count` bytes of what its binary messages carry."""
    protocol = WSConnection(ConnectionType.CLIENT)
    received = bytearray()
    accepted = False
    with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
        connection.sendall(protocol.send(Request(host=f"{host}:{port}", target=path)))
        while len(received) < count:
            data = connection.recv(65536)
            assert data, "the server closed the connection"
            protocol.receive_data(data)
            for event in protocol.events():
                assert not isinstance(event, CloseConnection), event
                accepted = accepted or isinstance(event, AcceptConnection)
                if isinstance(event, BytesMessage):
                    received += event.data
    assert accepted
    return bytes(received)
