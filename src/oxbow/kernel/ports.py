"""A TCP port that several processes are going to share."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from oxbow.kernel.settings import ListenAddress

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Port:
    """A port that is ours as long as this object lives, though this process never listens on it."""

    address: ListenAddress
    """With the number that the system chose, if it was to choose one."""
    _sock: socket.socket

    @classmethod
    def reserve(cls, wanted: ListenAddress) -> Port:
        """Take the port; OSError, with the address in its text, if somebody has it.

        SO_REUSEPORT alone would let two servers of one user share a port without a word, each serving half
        of the other's clients. So it is first bound without.
        """
        try:
            port = wanted.port or _bind(wanted, shared=True).getsockname()[1]
            address = ListenAddress(wanted.host, port)
            _bind(address, shared=False).close()
            return cls(address, _bind(address, shared=True))
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {wanted}: {error.strerror or error}") from error


def listen(address: ListenAddress, backlog: int = 4096) -> socket.socket:
    """A listening socket that shares its port with other processes; the kernel spreads the connections."""
    sock = _bind(address, shared=True)
    sock.listen(backlog)
    return sock


def _bind(address: ListenAddress, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((address.host, address.port))
        if not shared:
            sock.listen(1)  # only this fails when somebody else listens already
    except OSError:
        sock.close()
        raise
    return sock


def bind(listen: ListenAddress) -> socket.socket:
    """A listening TCP socket; OSError, with the address in its text, when the address is not to be had."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server((listen.host, listen.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {listen}: {error.strerror or error}") from error
