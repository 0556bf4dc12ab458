"""Operations on objects, as they are spelled in a path and in a batch:
https://developer.qiniu.com/kodo/1250/batch.

`stat/<entry>`, `copy/<entry>/<entry>/force/true` and so on; an entry is URL-safe base64 of `bucket:key`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from oxbow.rooms.storage.errors import BadArgument
from oxbow.rooms.storage.models import KEY_RULE, decode_base64, decode_entry, is_key


@dataclass(frozen=True, slots=True)
class Entry:
    """An object that an operation is about."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, taken apart but not judged."""

    name: str
    entries: tuple[Entry, ...]
    arguments: dict[str, str] = field(default_factory=dict)
    """What stands behind the entries in pairs, still as text."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What an operation takes."""

    entries: int
    arguments: frozenset[str] = frozenset()
    positional: str = ""
    """The argument that stands without its name, such as the days of `deleteAfterDays/<entry>/<days>`."""
    free: Callable[[str], bool] = lambda name: False
    """Further names that are taken."""


GRAMMARS: Mapping[str, Grammar] = {
    "stat": Grammar(1),
    "delete": Grammar(1),
    "copy": Grammar(2, frozenset({"force"})),
    "move": Grammar(2, frozenset({"force"})),
    "chgm": Grammar(1, frozenset({"mime", "cond"}), free=lambda name: name.startswith("x-qn-meta-")),
    "chtype": Grammar(1, frozenset({"type"})),
    "chstatus": Grammar(1, frozenset({"status", "cond"})),
    "restoreAr": Grammar(1, frozenset({"freezeAfterDays"})),
    "deleteAfterDays": Grammar(1, positional="days"),
    "lifecycle": Grammar(
        1,
        frozenset(
            {
                "toIAAfterDays",
                "toArchiveIRAfterDays",
                "toArchiveAfterDays",
                "toDeepArchiveAfterDays",
                "deleteAfterDays",
                "cond",
            }
        ),
    ),
}
"""By name as it is spelled."""


def parse_operation(text: str) -> Operation:
    """Take `<name>/<entry>/...` apart, with or without a slash in front; BadArgument."""
    name, *rest = text.removeprefix("/").split("/")
    grammar = GRAMMARS.get(name)
    if grammar is None:
        raise BadArgument("op", f"is one of {', '.join(sorted(GRAMMARS))}; {name[:40]!r} is none of them")
    if len(rest) < grammar.entries:
        raise BadArgument(name, f"takes {grammar.entries} encoded entries (bucket:key)")
    entries = tuple(_entry(name, encoded) for encoded in rest[: grammar.entries])
    return Operation(name, entries, _arguments(name, grammar, rest[grammar.entries :]))


def _entry(name: str, encoded: str) -> Entry:
    try:
        bucket, key = decode_entry(encoded)
    except ValueError as error:
        raise BadArgument(name, f"its entry {error}") from None
    if key is None or not is_key(key):
        raise BadArgument(name, f"takes an entry of bucket:key, the key with {KEY_RULE}")
    return Entry(bucket, key)


def _arguments(name: str, grammar: Grammar, rest: list[str]) -> dict[str, str]:
    if grammar.positional:
        rest = [grammar.positional, *rest]
    if len(rest) % 2:
        raise BadArgument(name, f"takes a value behind {rest[-1][:60]!r}")
    arguments = dict(zip(rest[::2], rest[1::2], strict=True))
    for argument in arguments:
        if argument not in grammar.arguments | {grammar.positional} and not grammar.free(argument):
            raise BadArgument(name, f"{argument[:60]!r} is no argument of it")
    return arguments


def number(operation: Operation, argument: str, low: int, high: int, default: int | None = None) -> int:
    """An argument that is a whole number within bounds; BadArgument."""
    text = operation.arguments.get(argument)
    if text is None and default is not None:
        return default
    try:
        value = int(text or "")
    except ValueError:
        raise BadArgument(argument, f"takes a whole number from {low} to {high}") from None
    if not low <= value <= high:
        raise BadArgument(argument, f"takes a whole number from {low} to {high}")
    return value


def flag(operation: Operation, argument: str) -> bool:
    """An argument that is true or false, false if it is left out; BadArgument."""
    text = operation.arguments.get(argument, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise BadArgument(argument, "takes true or false")
    return text in ("true", "1")


def encoded(operation: Operation, argument: str) -> str | None:
    """An argument that is URL-safe base64 of UTF-8 text; BadArgument."""
    text = operation.arguments.get(argument)
    if text is None:
        return None
    try:
        return decode_base64(text)
    except ValueError as error:
        raise BadArgument(argument, str(error)) from None
