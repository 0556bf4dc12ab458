"""Ports that several processes share, and nobody else has."""

import socket
from collections.abc import Callable

import pytest

from oxbow.kernel.ports import Port
from oxbow.kernel.settings import ListenAddress

ANY = ListenAddress("127.0.0.1", 0)


def listen(address: ListenAddress) -> socket.socket:
    """As a worker does."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((address.host, address.port))
    sock.listen()
    return sock


def close(port: Port) -> None:
    port._sock.close()


def test_the_system_chooses_a_port_that_workers_can_share() -> None:
    port = Port.reserve(ANY)
    assert port.address.port > 0
    first, second = listen(port.address), listen(port.address)
    with socket.create_connection((port.address.host, port.address.port), timeout=10) as client:
        assert client.getpeername()[1] == port.address.port, "one of them answers, and never the reserve"
    for sock in (first, second):
        sock.close()
    close(port)


def test_a_restarted_worker_finds_the_port_still_ours() -> None:
    port = Port.reserve(ANY)
    listen(port.address).close()
    listen(port.address).close()
    close(port)


@pytest.mark.parametrize(
    "occupy",
    [
        lambda: socket.create_server(("127.0.0.1", 0)),
        lambda: listen(ANY),
    ],
    ids=["another program", "another server of ours, whose workers share"],
)
def test_a_port_that_somebody_listens_on_is_refused_by_name(occupy: Callable[[], socket.socket]) -> None:
    with occupy() as other:
        address = ListenAddress("127.0.0.1", other.getsockname()[1])
        with pytest.raises(OSError, match=f"cannot listen on {address}: Address already in use"):
            Port.reserve(address)


def test_an_address_that_is_not_ours_is_refused_by_name() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:80"):
        Port.reserve(ListenAddress("192.0.2.1", 80))
