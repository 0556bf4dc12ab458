"""What an account's users, groups and policies are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from oxbow.kernel.iam.statements import Statement

ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
ALIAS_RULE = "1 to 64 letters, digits, '-', '_', '.' and '@', beginning with a letter or a digit"

USERS_LIMIT = 500  # of one account; every process keeps them all in memory.
GROUPS_LIMIT = 100
POLICIES_LIMIT = 500
LINKS_LIMIT = 20  # policies of one user or group, and groups of one user.
KEYS_LIMIT = 2  # of one user: one in use, and one to change over to.
STATEMENTS_LIMIT = 20  # of one policy.
PATTERNS_LIMIT = 100  # actions, and resources, of one statement.
DESCRIPTION_LENGTH = 500


class Kind(StrEnum):
    """What has an alias of its own in an account."""

    USER = "user"
    GROUP = "group"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Named:
    """What users, groups and policies have in common.  Times are Unix seconds."""

    id: int
    account: int
    alias: str
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class IamUser(Named):
    """Somebody with keys of their own."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class Group(Named):
    """Users who were granted the same."""

    description: str


@dataclass(frozen=True, slots=True)
class Policy(Named):
    """Statements that can be granted to users and groups."""

    description: str
    edit_type: int
    """1: written as JSON; 2: put together in a console."""
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class UserKey:
    """A user's key pair; its secret is told once, when it is made."""

    access_key: str
    user: int
    enabled: bool
    created_at: int


Links = dict[int, tuple[int, ...]]
"""Ids of what is linked, the oldest link first, by the id of what it is linked to."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decisions are taken with, of all accounts, as it was at one version."""

    version: int = 0
    users: dict[int, IamUser] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    policies: dict[int, Policy] = field(default_factory=dict)
    user_policies: Links = field(default_factory=dict)
    group_policies: Links = field(default_factory=dict)
    user_groups: Links = field(default_factory=dict)
    keys: dict[int, tuple[UserKey, ...]] = field(default_factory=dict)
    """By the user's id."""
