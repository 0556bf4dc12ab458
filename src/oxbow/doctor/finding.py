"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; the server works without it."""
    BROKEN = "broken"
    """The server does not start, or not all of it works."""


@dataclass(frozen=True)
class Finding:
    """One examined thing."""

    name: str
    state: State
    detail: str
    """What was found."""
    remedy: str = ""
    """How to mend it; every finding that is not OK and can be mended has one."""


def ok(name: str, detail: str) -> Finding:
    return Finding(name, State.OK, detail)


def note(name: str, detail: str, remedy: str = "") -> Finding:
    return Finding(name, State.NOTE, detail, remedy)


def broken(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, State.BROKEN, detail, remedy)
