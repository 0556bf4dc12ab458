"""What a policy is made of: which actions on which resources, written as text.

An action is ``<service>/<Action>``, all actions of a service ``<service>/*``, those whose names begin alike
``<service>/Get*``, and all of all services ``*``.  A resource is
``qrn:<product>:<region>:<account id>:[<type>/]<name>``, in which region and account may be empty, such as
``qrn:pili:::live`` for the hub `live`, ``qrn:pili:::test-*`` for hubs whose names begin so, and
``qrn:pili:::*`` for all; ``*`` alone stands for everything of every product.  The form is that of the IAM
clients in https://github.com/qiniu/go-sdk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

RULE = "qrn:<product>:::<name>, where <name> may end in * and be * alone, or * for everything"

_NAME = r"(?P<name>[A-Za-z0-9_.-]{0,253})(?P<star>\*?)"
_QRN = re.compile(
    rf"qrn:(?P<product>[a-z][a-z0-9-]{{0,31}}):(?P<region>[a-z0-9-]{{0,32}}):(?P<account>[0-9]{{0,18}}):"
    rf"(?:(?P<type>[a-z]{{1,16}})/)?{_NAME}"
)
_ACTION = re.compile(
    r"(?P<service>[a-z][a-z0-9-]{0,31})/(?:(?P<name>[A-Za-z][A-Za-z0-9]{0,63})\*?|\*)", re.ASCII
)


class Effect(StrEnum):
    """What a statement does to the requests it is about; denying goes before allowing."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule of a policy, in texts that have been found to be right."""

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """Names of one product's resources; an empty product stands for all of them."""

    product: str
    prefix: str
    """The name, or its beginning if `open` is set."""
    open: bool
    type: str = ""
    """What the names are names of, if the pattern says so."""


@lru_cache(maxsize=4096)
def parse_resource(text: str, account: int) -> ResourcePattern:
    """ValueError, with what is wrong, for what is no resource of this account."""
    if text == "*":
        return ResourcePattern("", "", open=True)
    match = _QRN.fullmatch(text)
    if match is None or not (match["name"] or match["star"]):
        raise ValueError(f"must be {RULE}")
    if match["account"] and int(match["account"]) != account:
        raise ValueError(f"is of another account; this one's id is {account}, and may be left out")
    return ResourcePattern(match["product"], match["name"], bool(match["star"]), match["type"] or "")


def is_action_pattern(text: str) -> bool:
    """Whether the text has the form of an action, or of several; whether they exist is another question."""
    return text == "*" or _ACTION.fullmatch(text) is not None


def action_fits(pattern: str, action: str) -> bool:
    """Whether a pattern that has the right form stands for an action, given as ``<service>/<Action>``."""
    if pattern.endswith("*"):
        return action.startswith(pattern[:-1])
    return pattern == action


def qrn(product: str, account: int, name: str) -> str:
    """How a refusal names a resource."""
    return f"qrn:{product}::{account}:{name}"
