"""What an account and its key pairs are."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

ROOT = "root"  # The account that owns everything; it is made at the first start.
KEY_LENGTH = 40  # Characters of a generated access or secret key, as in the dialect.
NOTE_LENGTH = 200
ALIAS_LENGTH = 64
KEYS_LIMIT = 100  # of one account; every process keeps all of them in memory.


@dataclass(frozen=True, slots=True)
class Account:
    """Who owns things."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who acts for an account with keys of their own, and may do what they were granted."""

    id: int
    alias: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What signs for an account, while it is enabled.  ``created_at`` is a Unix time in seconds."""

    access_key: str
    secret_key: str = field(repr=False)
    account: Account
    enabled: bool
    note: str
    created_at: int
    user: User | None = None
    """Whose it is; None for the account's own, which may do everything."""


def new_key() -> str:
    """A random key of url-safe characters (240 bits); a command line doesn't take it for an option."""
    while (key := secrets.token_urlsafe(KEY_LENGTH * 3 // 4)).startswith("-"):
        pass
    return key
