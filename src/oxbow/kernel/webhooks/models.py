"""What a webhook is: where to send what, how often to try, and what became of it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Method = Literal["GET", "FORM", "JSON"]
"""GET carries the variables in the query, FORM and JSON in the body of a POST."""

ANSWER_BYTES = 1024
"""How much of an answer is kept."""
ERROR_LENGTH = 300
_SECRET_NAME = re.compile(r"(?i)token|sign|secret|passw|auth|credential|(^|[_-]|access)key\d?$|^(sk|ak|pwd)$")
_MASK = "***"


class DeliveryState(StrEnum):
    """What is to become, or became, of a delivery."""

    WAITING = "waiting"
    """For its first or next attempt, or for the answer to one that is under way."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt failed, or the answer was a plain no."""
    CANCELLED = "cancelled"
    """Overtaken by events before it was sent."""


class Verdict(StrEnum):
    """What an answer's status says."""

    SUCCESS = "success"
    FAILURE = "failure"
    """A plain no, which asking again would not change."""
    UNCLEAR = "unclear"
    """Neither; worth another attempt."""


@dataclass(frozen=True)
class Hook:
    """One callback as it is configured, with its variables filled in."""

    method: Method
    url: str
    vars: Mapping[str, str]
    timeout: float = 2.0
    """Seconds for one attempt, from the name to the answer's last byte."""
    retry_times: int = 0
    """Attempts after the first one."""
    retry_interval: float = 0.0
    """Seconds between them."""
    success_code: int = 0
    """The HTTP status that means success; 0 takes any answer for one."""
    fail_code: int = 0
    """The HTTP status that means a plain no; with 0 whatever is no success is tried again."""

    def judge(self, status: int) -> Verdict:
        """What an answer's status means."""
        if self.success_code in (0, status):
            return Verdict.SUCCESS
        return Verdict.FAILURE if status == self.fail_code else Verdict.UNCLEAR


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one URL. Times are Unix seconds."""

    account: int
    """Whose key signs it, and who may read it."""
    event: str
    """`live.connect`, ..."""
    subject: str
    """What it is about, such as `<hub>/<stream>`."""
    hook: Hook
    created_at: float
    id: str = field(default_factory=lambda: "")
    key: str = ""
    """What cancels it by name while it waits; empty for nothing."""
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    next_attempt_at: float = 0.0
    """When it is due; while an attempt is under way, when somebody else may take it over."""
    status: int = 0
    """HTTP status of the last answer; 0 for none."""
    error: str = ""
    """Why the last attempt came to nothing."""
    answer: str = ""
    """The first ANSWER_BYTES of the last answer's body."""
    duration: float = 0.0
    """Seconds that the last attempt took."""
    finished_at: float | None = None
    replay_of: str = ""
    """The delivery that this one repeats."""


def new_id(now: float) -> str:
    """Ids sort by their time, so that lists are paged by them."""
    return f"{int(now * 1000):012x}{secrets.token_hex(6)}"


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name probably holds what must not be shown."""
    return _SECRET_NAME.search(name) is not None


def masked_url(url: str) -> str:
    """The URL with the values of secret parameters taken out, for logs and lists."""
    base, mark, query = url.partition("?")
    if not mark:
        return url
    return base + "?" + "&".join(_masked_part(part) for part in query.split("&"))


def _masked_part(part: str) -> str:
    name, equals, value = part.partition("=")
    return f"{name}={_MASK}" if equals and value and is_secret_name(name) else part


def masked_vars(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables, likewise."""
    return {name: _MASK if value and is_secret_name(name) else value for name, value in variables.items()}
