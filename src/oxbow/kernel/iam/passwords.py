"""Passwords of users: kept as scrypt hashes (RFC 7914), never as they are, and never told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets

PASSWORD_LENGTHS = (8, 128)  # characters.
_N, _R, _P = 2**14, 8, 1  # 16 MiB and some 40 ms for each try.
_LENGTH = 32


async def hashed(password: str) -> str:
    """The hash to keep, with its salt and parameters."""
    salt = secrets.token_bytes(16)
    digest = await asyncio.to_thread(_scrypt, password, salt, _N, _R, _P)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${digest.hex()}"


async def fits(password: str, kept: str) -> bool:
    """Whether it is the password of a hash; it never is that of an empty one."""
    try:
        scheme, n, r, p, salt, digest = kept.split("$")
    except ValueError:
        return False
    if scheme != "scrypt":
        return False
    found = await asyncio.to_thread(_scrypt, password, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=_LENGTH, maxmem=64 << 20)
