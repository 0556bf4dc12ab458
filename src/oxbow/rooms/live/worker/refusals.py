"""The record of who was refused in this worker; control is told with the next report."""

import secrets
import time
from collections import Counter
from typing import NamedTuple

import structlog

from oxbow.kernel.refusals.buffer import RefusalBuffer
from oxbow.kernel.refusals.models import Refusal, masked_url
from oxbow.rooms.live.refusing import Refused

_PATH_LENGTH = 300

log = structlog.get_logger("oxbow.live.refusals")


def new_request_id() -> str:
    """What a client is told, so that it can be found again: 16 url-safe characters."""
    return secrets.token_urlsafe(12)


class Asked(NamedTuple):
    """What a client wanted."""

    what: str
    """`publish` or `play`."""
    protocol: str
    peer: str
    """`ip:port`."""
    url: str
    hub: str = ""
    stream: str = ""
    domain: str = ""


class Refusals:
    """Counts every refusal, and keeps records as far as that is bounded."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._buffer = RefusalBuffer()

    def add(self, asked: Asked, refused: Refused, reqid: str) -> None:
        """Note that somebody was refused, and told `reqid`."""
        self._counts[refused.reason] += 1
        log.info(
            "refused",
            reqid=reqid,
            what=asked.what,
            client=asked.peer,
            hub=asked.hub,
            stream=asked.stream,
            reason=refused.reason,
            description=refused.description,
        )
        at, address = time.time(), asked.peer.rpartition(":")[0]
        likeness = (asked.what, address, refused.reason, asked.hub, asked.stream or asked.url[:_PATH_LENGTH])
        self._buffer.add(likeness, at, lambda: _record(asked, address, refused, reqid, at))

    def take(self) -> list[Refusal]:
        """The records since the last call."""
        return self._buffer.take()


def _record(asked: Asked, address: str, refused: Refused, reqid: str, at: float) -> Refusal:
    return Refusal(
        reqid=reqid,
        at=at,
        what=asked.what,
        rule=refused.rule,
        reason=refused.reason,
        message=refused.description,
        address=address,
        protocol=asked.protocol,
        hub=asked.hub,
        stream=asked.stream,
        domain=asked.domain,
        url=masked_url(asked.url),
        found=refused.found,
        wanted=refused.wanted,
    ).fit()
