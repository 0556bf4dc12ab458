"""A certificate as media workers get it. Imported in workers: msgspec and nothing else."""

from __future__ import annotations

import msgspec


class Certificate(msgspec.Struct, frozen=True):
    """What a TLS port shows for a domain."""

    chain_pem: str
    """The domain's certificate first, then those that lead to the root."""
    key_pem: str
    """The private key, not encrypted; secret."""
    fingerprint: str
    """SHA-256 of the domain's certificate in hexadecimal: it differs whenever something has to be loaded."""

    def __repr__(self) -> str:
        return f"Certificate({self.fingerprint})"
