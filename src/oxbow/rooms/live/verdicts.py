"""The rules that decide about an address, in the order in which they are asked, and what each said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Result = Literal["pass", "fail", "asked", "not reached"]

PUBLISH_ORDER = (
    "address",
    "hub",
    "domain",
    "ipLimit",
    "disabled",
    "publishSecurity",
    "autoCreate",
    "secondPublisher",
    "publishersPerHub",
)
"""As `Publishing` and then the control server ask them; a further rule of publishing has its place here."""
PLAY_ORDER = (
    "address",
    "hub",
    "domain",
    "disabled",
    "ipLimit",
    "areaLimit",
    "refererLimit",
    "playSecurity",
)
"""As `decide_play` asks them; a further rule of playing has its place here."""


class Verdict(NamedTuple):
    """What one rule said; the first that fails is the last that is asked."""

    rule: str
    result: Result


def verdicts(action: str, failed: str, asked: Sequence[str] = ()) -> list[Verdict]:
    """What every rule said, given the one that failed, or an empty text where none did.

    Behind all of them an operator's servers are `asked`: what they would say nobody knows.

    One that stands outside the order (the server could not decide) comes first, and nothing else is reached.
    """
    order: tuple[str, ...] = PUBLISH_ORDER if action == "publish" else PLAY_ORDER
    if failed and failed not in order:
        order = (failed, *order)
    at = order.index(failed) if failed else len(order)
    others: Result = "not reached" if failed else "asked"
    own = [Verdict(rule, _result(number, at)) for number, rule in enumerate(order)]
    return own + [Verdict(rule, others) for rule in asked]


def _result(number: int, failed: int) -> Result:
    if number == failed:
        return "fail"
    return "pass" if number < failed else "not reached"
