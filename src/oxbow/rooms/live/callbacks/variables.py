"""Magic variables: what a callback's URL and variables may say about what happened.

Pure. They are written like those of play security, https://developer.qiniu.com/pili/api/9868/play-security:
`$(streamKey)`, or `$(_name)` for a field of the query that the publisher or viewer typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from oxbow.rooms.live.play_security import query_fields

_VARIABLE = re.compile(r"\$\(([^()]*)\)")
_QUERY_FIELD = re.compile(r"_[A-Za-z0-9_.-]{1,32}")
NAMES = (
    *("event", "hub", "app", "streamTitle", "streamKey", "path", "query", "domain", "protocol"),
    *(
        "clientIp",
        "clientAddr",
        "serverAddr",
        "session",
        "timestamp",
        "startAt",
        "duration",
        "reason",
        "referer",
    ),
)


@dataclass(frozen=True)
class Facts:
    """What happened. Times are Unix seconds; what is not known is empty."""

    event: str
    """publish, play, connect or disconnect."""
    hub: str
    stream: str
    domain: str
    client_addr: str
    """`ip:port`."""
    now: float
    protocol: str = "rtmp"
    path: str = ""
    """`/hub/stream`, with the extension where there was one."""
    query: str = ""
    """As typed, without the question mark."""
    server_addr: str = ""
    session: str = ""
    """The broadcast's id; the same when it begins and ends."""
    started_at: float | None = None
    reason: str = ""
    """Why the broadcast ended."""
    referer: str = ""

    def value(self, name: str) -> str:
        """What a variable stands for; empty for what is not there."""
        if name.startswith("_"):
            return unquote(query_fields(self.query).get(name[1:], ""))
        return self._values()[name]

    def _values(self) -> dict[str, str]:
        started = self.started_at
        return {
            "event": self.event,
            "hub": self.hub,
            "app": self.hub,
            "streamTitle": self.stream,
            "streamKey": f"{self.hub}/{self.stream}",
            "path": self.path or f"/{self.hub}/{self.stream}",
            "query": self.query,
            "domain": self.domain,
            "protocol": self.protocol,
            "clientIp": self.client_addr.rpartition(":")[0],
            "clientAddr": self.client_addr,
            "serverAddr": self.server_addr,
            "session": self.session,
            "timestamp": str(int(self.now)),
            "startAt": "" if started is None else str(int(started)),
            "duration": "" if started is None else str(max(0, int(self.now - started))),
            "reason": self.reason,
            "referer": self.referer,
        }


def unknown_variable(template: str) -> str | None:
    """The first variable that does not exist, as it is written; None if all do."""
    for match in _VARIABLE.finditer(template):
        if match[1] not in NAMES and not _QUERY_FIELD.fullmatch(match[1]):
            return match[0]
    rest = _VARIABLE.sub("", template)
    return "$(" if "$(" in rest else None


def fill(template: str, facts: Facts) -> str:
    """The text with its variables filled in."""
    return _VARIABLE.sub(lambda match: facts.value(match[1]), template)


def fill_url(template: str, facts: Facts) -> str:
    """The same for a URL: no value can add a parameter, or change the path."""
    return _VARIABLE.sub(lambda match: quote(facts.value(match[1]), safe=""), template)


def fill_all(templates: Mapping[str, str], facts: Facts) -> dict[str, str]:
    """The same for each value; names have no variables."""
    return {name: fill(template, facts) for name, template in templates.items()}
