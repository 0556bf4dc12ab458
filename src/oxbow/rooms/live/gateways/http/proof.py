"""What a certificate authority asks the media port for (RFC 8555 section 8.3)."""

from __future__ import annotations

from oxbow.rooms.live.snapshot import ConfigSnapshot

PREFIX = "/.well-known/acme-challenge/"
HEADERS = {"Content-Type": "application/octet-stream"}


def proof_for(config: ConfigSnapshot, path: str) -> bytes | None:
    """The proof that a domain is ours, if the path asks for one that is wanted now."""
    if not path.startswith(PREFIX):
        return None
    answer = config.challenges.get(path.removeprefix(PREFIX))
    return answer.encode() if answer is not None else None
