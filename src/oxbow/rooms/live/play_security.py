"""Signed play addresses that expire: https://developer.qiniu.com/pili/api/9868/play-security.

Pure: the domain's setting, the address and the clock come in, a decision comes out. The fields are those of
https://developer.qiniu.com/pili/9896/live-domain-information.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import msgspec

MAX_RULE = 256
MAX_TIMESTAMP_DIGITS = 64
"""A 64-bit number in base 2."""
DEFAULT_SIGN_PART = "sign"
DEFAULT_TIMESTAMP_PART = "t"
DEFAULT_BASE = 16

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_DIGITS_OF = tuple(frozenset(_DIGITS[:base] + _DIGITS[:base].upper()) for base in range(len(_DIGITS) + 1))
"""What a number may consist of, by its base; int() takes signs, spaces, underscores and prefixes, too."""
_VARIABLE = re.compile(r"\$\(([^()]*)\)")
_FIELD_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_NAMES = ("key", "path", "streamKey", "streamTitle")


class PlaySecurityType(StrEnum):
    """What the timestamp in a play address says."""

    INHERIT = ""
    """No setting of its own: a domain takes its hub's, and a hub asks for nothing."""
    NONE = "none"
    START = "tsStartMD5"
    """The address counts from its timestamp on, for `range` seconds."""
    EXPIRE = "tsExpireMD5"
    """The address counts until its timestamp."""


class SecurityRefused(Exception):  # noqa: N818 - a decision, not a failure.
    """The address proves nothing; `reason` is stable, `description` holds no secret."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason
        self.description = description


class RuleError(ValueError):
    """A setting that cannot work; `field` is its name on the wire, the text says what it takes."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(f"{field}: {remedy}")
        self.field = field
        self.remedy = remedy


class SignedAddress(NamedTuple):
    """What a signature may cover."""

    path: str
    """`/hub/stream` over RTMP, `/hub/stream.flv` or `/hub/stream.m3u8` over HTTP."""
    stream_key: str
    """`hub/stream`."""
    query: str
    """As typed, without the question mark; of a repeated field the first counts."""


class PlaySecurity(msgspec.Struct, frozen=True, dict=True, rename="camel", omit_defaults=True):
    """A domain's setting; empty parts and a base of 0 take the defaults."""

    type: PlaySecurityType = PlaySecurityType.INHERIT
    key1: str = ""
    key2: str = ""
    range: int = 0
    """Seconds, for `tsStartMD5`."""
    rule: str = ""
    rule2: str = ""
    ts_part: str = ""
    ts_base: int = 0
    sign_part: str = ""
    gap_duration: int = 0
    """Seconds that the signer's clock may be off, for `tsExpireMD5`."""

    @property
    def active(self) -> bool:
        """Whether an address must be signed."""
        return self.type in (PlaySecurityType.START, PlaySecurityType.EXPIRE)

    @property
    def timestamp_part(self) -> str:
        return self.ts_part or DEFAULT_TIMESTAMP_PART

    @property
    def signature_part(self) -> str:
        return self.sign_part or DEFAULT_SIGN_PART

    @property
    def base(self) -> int:
        return self.ts_base or DEFAULT_BASE

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Those that count; both at once, so that one can be replaced while the other is in use."""
        return tuple(key for key in (self.key1, self.key2) if key)

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The rules that count, each as a template of printf's with the names of its variables."""
        first = self.rule or f"$(key)$(path)$(_{self.timestamp_part})"
        rules = [rule.replace("%", "%%") for rule in (first, self.rule2) if rule]
        return tuple(_VARIABLE.sub(r"%(\1)s", rule) for rule in rules)


class _Values(dict[str, str]):
    """What a rule's variables stand for; a missing query field is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def signatures(security: PlaySecurity, address: SignedAddress, fields: dict[str, str]) -> list[str]:
    """What each rule makes with each key: MD5 in lower-case hex over the rule with its variables filled in. A
    missing query field is empty."""
    values = _Values({f"_{name}": value for name, value in fields.items()})
    values["path"], values["streamKey"] = address.path, address.stream_key
    values["streamTitle"] = address.stream_key.rpartition("/")[2]
    made = []
    for values["key"] in security.keys:
        texts = [(template % values).encode(errors="replace") for template in security.templates]
        made += [hashlib.md5(text, usedforsecurity=False).hexdigest() for text in texts]
    return made


def query_fields(query: str) -> dict[str, str]:
    """The fields with their values as typed; of a repeated one the first counts."""
    fields: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        fields.setdefault(name, value)
    return fields


def verify_play(security: PlaySecurity, address: SignedAddress, now: float) -> None:
    """Check the signature, then the time: only who has a right signature learns about the time.

    `now` is Unix seconds. Raises SecurityRefused.
    """
    fields = query_fields(address.query)
    stamp = fields.get(security.timestamp_part, "")
    shown = fields.get(security.signature_part, "").lower()
    if not (stamp and shown):
        parts = f"{security.signature_part}=<signature>&{security.timestamp_part}=<time>"
        raise SecurityRefused("sign_missing", f"the address must carry {parts}")
    moment = parse_timestamp(stamp, security.base)
    if moment is None:
        text = f"{security.timestamp_part} must be Unix seconds in base {security.base}"
        raise SecurityRefused("sign_malformed", text)
    given = shown.encode(errors="replace")
    candidates = signatures(security, address, fields)
    # Every candidate is compared, found or not.
    if not any([hmac.compare_digest(given, candidate.encode()) for candidate in candidates]):  # noqa: C419
        raise SecurityRefused(
            "sign_mismatch", "the signature was not made with the right key for this address"
        )
    _check_time(security, moment, now)


def _check_time(security: PlaySecurity, moment: int, now: float) -> None:
    if security.type == PlaySecurityType.START:
        if now < moment:
            text = f"the address may be used in {moment - now:.0f} seconds"
            raise SecurityRefused("address_not_yet_valid", text)
        end = moment + security.range
    else:
        end = moment + security.gap_duration
    if end < now:
        raise SecurityRefused("address_expired", f"the address expired {now - end:.0f} seconds ago")


def parse_timestamp(text: str, base: int) -> int | None:
    """Digits of the base in either case and nothing else; None if it is no number of 64 bits."""
    if not 0 < len(text) <= MAX_TIMESTAMP_DIGITS or not _DIGITS_OF[base].issuperset(text):
        return None
    number = int(text, base)
    return number if number < 1 << 63 else None


def format_timestamp(moment: int, base: int) -> str:
    """The inverse of `parse_timestamp`, in lower case."""
    digits = ""
    while moment:
        moment, digit = divmod(moment, base)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def check_play_security(security: PlaySecurity) -> None:
    """RuleError for a setting that could let in nobody, or everybody."""
    if not security.active:
        return
    if not security.keys:
        raise RuleError("key1", f"must not be empty for type {security.type.value!r}")
    if security.ts_base and not 2 <= security.ts_base <= 36:
        raise RuleError("tsBase", "must be 2 to 36, or 0 for 16")
    for field, value in (("tsPart", security.ts_part), ("signPart", security.sign_part)):
        if value and not _FIELD_NAME.fullmatch(value):
            raise RuleError(field, "must be 1 to 32 letters, digits, '_', '-' and '.'")
    if security.timestamp_part == security.signature_part:
        raise RuleError("signPart", "must differ from tsPart")
    if "session" in (security.timestamp_part, security.signature_part):
        raise RuleError("signPart", "and tsPart must not be 'session', which HLS playlists use")
    if security.type == PlaySecurityType.START and security.range <= 0:
        raise RuleError("range", f"must be at least 1 second for type {security.type.value!r}")
    for field, rule in (("rule", security.rule), ("rule2", security.rule2)):
        if rule:
            _check_rule(field, rule, security)


def _check_rule(field: str, rule: str, security: PlaySecurity) -> None:
    if len(rule) > MAX_RULE:
        raise RuleError(field, f"has at most {MAX_RULE} characters")
    variables = _VARIABLE.findall(rule)
    for name in variables:
        known = name in _NAMES or (name.startswith("_") and _FIELD_NAME.fullmatch(name[1:]))
        if not known:
            raise RuleError(field, f"has the unknown variable $({name}); there are {_known_variables()}")
    if "$(" in _VARIABLE.sub("", rule):
        raise RuleError(field, "has a variable without its closing parenthesis")
    if "key" not in variables:
        raise RuleError(field, "must contain $(key), else anybody could sign")
    if f"_{security.timestamp_part}" not in variables:
        raise RuleError(
            field, f"must contain $(_{security.timestamp_part}), else anybody could change the time"
        )


def _known_variables() -> str:
    return ", ".join(f"$({name})" for name in _NAMES) + " and $(_<a field of the query>)"
