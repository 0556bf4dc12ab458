"""The certificates that a worker's TLS ports show: chosen by the name a client asks for (RFC 6066 section 3),
exchanged while connections go on.

Contexts are built in a thread, since reading a key takes a millisecond, and kept by fingerprint.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping

import structlog

from oxbow.rooms.live.certificates.served import Certificate

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption. TLS 1.3 has nothing else."""
PROTOCOLS = ["http/1.1"]

log = structlog.get_logger("oxbow.live.tls")


class TlsSocket(ssl.SSLSocket):
    """A client's socket that remembers what name the client asked for."""

    server_name: str | None = None
    is_unknown = False
    """Whether there was no certificate for that name, or no name."""


class Contexts:
    """One per worker, for all its TLS ports; everything but the reading of keys runs in the event loop."""

    def __init__(self) -> None:
        self._base = _context()
        self._base.sslsocket_class = TlsSocket
        # typeshed knows SSLObject only; what comes is what `wrap` made.
        self._base.sni_callback = self._choose  # type: ignore[assignment]
        self._by_domain: dict[str, ssl.SSLContext] = {}
        self._by_fingerprint: dict[str, ssl.SSLContext] = {}
        self._wanted: Mapping[str, Certificate] | None = None
        self._following: asyncio.Task[None] | None = None

    def configure(self, certificates: Mapping[str, Certificate]) -> asyncio.Task[None]:
        """Show these from now on, by domain; the task ends once handshakes do so.

        A certificate that cannot be used is logged, and its domain keeps the one it had.
        """
        self._wanted = certificates
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="certificates")
        return self._following

    def wrap(self, sock: socket.socket) -> TlsSocket:
        """The server's side of a handshake on `sock`, not begun yet; OSError if the client has gone."""
        wrapped = self._base.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        assert isinstance(wrapped, TlsSocket)
        return wrapped

    def find(self, name: str) -> ssl.SSLContext | None:
        """The domain's own context, or that of the wildcard above it."""
        domain = name.lower().removesuffix(".")
        return self._by_domain.get(domain) or self._by_domain.get(f"*.{domain.partition('.')[2]}")

    def _choose(self, sock: TlsSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        sock.server_name = name
        found = self.find(name) if name else None
        if found is None:
            sock.is_unknown = True
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        sock.context = found
        return None

    async def _follow(self) -> None:
        while self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            new = {one.fingerprint: (domain, one) for domain, one in wanted.items()}
            built = await asyncio.to_thread(_build, new, self._by_fingerprint)
            self._by_domain = {
                domain: context
                for domain, one in wanted.items()
                if (context := built.get(one.fingerprint) or self._by_domain.get(domain)) is not None
            }
            self._by_fingerprint = built


def _build(
    wanted: Mapping[str, tuple[str, Certificate]], known: Mapping[str, ssl.SSLContext]
) -> dict[str, ssl.SSLContext]:
    """Contexts by fingerprint; those that are known already are not built again."""
    built = {}
    for fingerprint, (domain, certificate) in wanted.items():
        try:
            built[fingerprint] = known.get(fingerprint) or load(certificate)
        except (OSError, ValueError) as error:
            log.error("a certificate cannot be used", domain=domain, error=str(error))
    return built


def load(certificate: Certificate) -> ssl.SSLContext:
    """A context that shows the certificate; ssl.SSLError, an OSError, if it or its key is of no use.

    OpenSSL reads keys from files only, so they pass through one in memory that never has a name.
    """
    context = _context()
    file = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(file, f"{certificate.chain_pem.strip()}\n{certificate.key_pem.strip()}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{file}", password=_no_password)
    finally:
        os.close(file)
    return context


def _no_password() -> str:
    """An encrypted key fails; without this OpenSSL would ask at the terminal."""
    return ""


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_IGNORE_UNEXPECTED_EOF
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(PROTOCOLS)
    return context
