"""What is remembered of a refusal, and how its address is freed of secrets."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

PUBLISH, PLAY, API = "publish", "play", "api"
WHATS = (PUBLISH, PLAY, API)

CUT = "…"
"""Stands where a secret was."""

TEXT_LENGTH = 500
"""Characters of any one text in a record."""
_SECRET_NAME = re.compile(r"sign|token|key|secret|pass|pwd|auth|session|credential", re.IGNORECASE)
_LONG_VALUE = 16
"""A domain may give its signature any name; what is as long as one is cut as well."""
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Refusal(msgspec.Struct, frozen=True, rename="camel"):
    """One refusal, or the last of several that are alike; texts are those that were told to the client.

    Made where it happened. `account` is filled in by control, which knows whose the hub is.
    """

    reqid: str
    """What the client was told: X-Reqid, or the id in RTMP's onStatus."""
    at: float
    """Unix seconds."""
    what: str
    """`publish`, `play` or `api`."""
    rule: str
    """The setting that refuses, such as `ipLimit`; API calls: `signature`, `permission`, `request` ..."""
    reason: str
    """A stable id, such as `token_expired`; API calls: the status."""
    message: str
    address: str = ""
    """The client's, without the port."""
    protocol: str = ""
    hub: str = ""
    stream: str = ""
    domain: str = ""
    url: str = ""
    """What was asked for, secrets cut."""
    found: str = ""
    """The value that the rule saw."""
    wanted: str = ""
    """What it would have let in."""
    access_key: str = ""
    account: int = 0
    """Whose affair it is; 0 for nobody's, which the root account sees."""
    more: int = 0
    """How many further ones like this were counted, but left no record of their own."""
    until: float = 0.0
    """When the last of those came; 0 if there were none."""

    @property
    def likeness(self) -> tuple[str, ...]:
        """Refusals that agree in it are alike: a client that tries the same thing over and over."""
        return (self.what, self.hub, self.stream, self.address, self.rule, self.reason, self.access_key)

    def fit(self) -> Refusal:
        """The same with every text bounded and printable, whatever a client sent."""
        texts = {name: getattr(self, name) for name in _TEXTS}
        changed = {name: clean for name, text in texts.items() if (clean := fit_text(text)) != text}
        return msgspec.structs.replace(self, **changed) if changed else self


_TEXTS = tuple(field.name for field in msgspec.structs.fields(Refusal) if field.type is str)


def fit_text(text: str) -> str:
    """At most TEXT_LENGTH characters that any database and any terminal can take."""
    return _UNFIT.sub("?", text[:TEXT_LENGTH])


def masked_query(query: str) -> str:
    """A query whose secrets are cut: values of telling names, and all that are as long as a signature."""
    return "&".join(_masked(part) for part in query.split("&"))


def masked_url(url: str) -> str:
    """An address with its query masked, and without the user and password before its host."""
    base, question, query = url.partition("?")
    scheme, separator, rest = base.partition("://")
    if separator and "@" in rest.partition("/")[0]:
        base = f"{scheme}://{CUT}@{rest.partition('@')[2]}"
    return f"{base}?{masked_query(query)}" if question else base


def _masked(part: str) -> str:
    name, equals, value = part.partition("=")
    if not equals:
        return part if len(part) < _LONG_VALUE else CUT
    telling = _SECRET_NAME.search(unquote(name)) is not None
    return f"{name}={CUT}" if value and (telling or len(value) >= _LONG_VALUE) else part
