"""A domain's rewrite rules, which turn the addresses its clients use into those of the server:
https://developer.qiniu.com/pili/9901/modify-the-url-rewrite-configuration.

The rules are tried in order on the whole address as the client typed it, and the first that matches counts:
the part of the address that its pattern matches gives way to its replacement, in which `${1}` stands for the
first pair of parentheses and `${0}` for the whole match. Patterns are RE2's, which answers in time
proportional to the address whatever the pattern is (https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

import msgspec
import re2

from oxbow.rooms.live.play_security import RuleError
from oxbow.rooms.live.refusing import MAX_ADDRESS, AddressError

MAX_RULES = 16
MAX_PATTERN = 512
"""Characters of a pattern, and of a replacement."""
PATTERN_MEMORY = 512 * 1024
"""Bytes that a compiled pattern may take, with all that RE2 remembers of its states."""

_REFERENCE = re.compile(rb"\$\{([0-9]{1,2})\}")
_options = re2.Options()
_options.max_mem = PATTERN_MEMORY
_options.log_errors = False
_options.encoding = re2.Options.Encoding.LATIN1


class RewriteRule(msgspec.Struct, frozen=True):
    """One rule, in visible ASCII."""

    pattern: str
    replace: str


class _Compiled(NamedTuple):
    pattern: re2._Regexp
    replace: tuple[bytes | int, ...]
    """Text, and the numbers of groups."""


class UrlRewrite(msgspec.Struct, frozen=True, dict=True):
    """A domain's rules, in the order they are tried."""

    rules: tuple[RewriteRule, ...] = ()

    @property
    def active(self) -> bool:
        return bool(self.rules)

    @cached_property
    def compiled(self) -> tuple[_Compiled, ...]:
        return tuple(_compile(rule) for rule in self.rules)

    def compile(self) -> None:
        """Do now what the first address would wait for."""
        _ = self.compiled

    def rewrite(self, url: str) -> str | None:
        """The address that counts instead of `url`, None if no rule matches; AddressError if it is longer
        than an address may be."""
        if len(url) > MAX_ADDRESS:
            raise AddressError("address_too_long", f"an address has at most {MAX_ADDRESS} characters")
        text = url.encode("latin-1", errors="replace")
        for pattern, replace in self.compiled:
            if match := pattern.search(text):
                return _replaced(text, match, replace)
        return None


def _compile(rule: RewriteRule) -> _Compiled:
    pattern = re2.compile(rule.pattern.encode(), _options)
    parts = enumerate(_REFERENCE.split(rule.replace.encode()))
    return _Compiled(pattern, tuple(int(part) if index % 2 else part for index, part in parts))


def _replaced(text: bytes, match: re2._Match, replace: tuple[bytes | int, ...]) -> str:
    start, end = match.span()
    parts = [match[part] or b"" if isinstance(part, int) else part for part in replace]
    parts = [text[:start], *parts, text[end:]]
    if sum(map(len, parts)) > MAX_ADDRESS:
        raise AddressError(
            "rewrite_too_long", f"rewritten, the address has more than {MAX_ADDRESS} characters"
        )
    return b"".join(parts).decode("latin-1")


def split_url(url: str) -> tuple[str, str]:
    """(path with its slash, query without its mark) of a rewritten address; AddressError if it is none."""
    _, scheme, rest = url.partition("://")
    _, slash, tail = rest.partition("/")
    if not (scheme and slash):
        raise AddressError(
            "rewrite_invalid", "rewritten, the address is not <scheme>://<domain>/<hub>/<stream>"
        )
    path, _, query = tail.partition("?")
    return f"/{path}", query


def check_rewrite(rewrite: UrlRewrite) -> None:
    """RuleError, naming the field of the first rule that cannot work."""
    if len(rewrite.rules) > MAX_RULES:
        raise RuleError("rules", f"has at most {MAX_RULES} entries")
    for index, rule in enumerate(rewrite.rules):
        groups = _check_pattern(f"rules[{index}].pattern", rule.pattern)
        _check_replace(f"rules[{index}].replace", rule.replace, groups)


def _check_pattern(field: str, pattern: str) -> int:
    """How many groups the pattern has."""
    if not pattern:
        raise RuleError(field, "must not be empty")
    _check_text(field, pattern)
    try:
        return int(re2.compile(pattern.encode(), _options).groups)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
        raise RuleError(field, f"is no regular expression as RE2 reads them: {reason}") from None


def _check_replace(field: str, replace: str, groups: int) -> None:
    if not replace:
        raise RuleError(field, "must not be empty")
    _check_text(field, replace)
    numbers = [int(number) for number in _REFERENCE.findall(replace.encode())]
    if "${" in _REFERENCE.sub(b"", replace.encode()).decode():
        raise RuleError(field, "refers to groups as ${n}, n being a number of one or two digits")
    if numbers and max(numbers) > groups:
        raise RuleError(field, f"refers to ${{{max(numbers)}}}, but the pattern has {groups} groups")


def _check_text(field: str, text: str) -> None:
    if len(text) > MAX_PATTERN or not all("!" <= character <= "~" for character in text):
        raise RuleError(field, f"takes 1 to {MAX_PATTERN} visible ASCII characters")
