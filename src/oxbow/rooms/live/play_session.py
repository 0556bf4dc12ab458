"""Sessions of HLS viewers on domains that ask for a proof: what a playlist hands out so that a player which
got in goes on after its address has expired.

A session is an id, the time it was issued and an HMAC-SHA256 over both, the domain, the stream and the
broadcast, with a key that all servers on one database share. Nothing is remembered: any worker can check it.
It ends with the broadcast, and after the age that the operator's settings allow. A player polls one address
with one session for as long as it watches, and at any worker, so that idleness would have to be remembered
somewhere for each of them; that nobody has to is worth more than ending a session early whose viewer left.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

MAX_AGE = 12 * 3600
"""Seconds after which a viewer must come in anew, unless the operator says otherwise; a shared session is
worth no more than this."""
MAX_AHEAD = 60
"""Seconds that another server's clock may be ahead."""
ID_LENGTH = 16
_TIME_LENGTH = 8
_MAC_LENGTH = 32
LENGTH = ID_LENGTH + _TIME_LENGTH + _MAC_LENGTH


class SessionScope(NamedTuple):
    """What a session counts for. No part can hold a slash, so that joined they stay apart."""

    domain: str
    hub: str
    stream: str
    life: str
    """Tells a broadcast from an earlier one of the same name."""


def seal(session_id: str, scope: SessionScope, now: float, key: str) -> str:
    """A session for whoever was let in at `now` (Unix seconds)."""
    text = f"{session_id}{int(now):08x}"
    return text + _mac(text, scope, key)


def is_genuine(session: str, scope: SessionScope, now: float, key: str, max_age: int = MAX_AGE) -> bool:
    """Whether we issued the session for this, at most `max_age` seconds ago."""
    if len(session) != LENGTH or not key:
        return False
    text, shown = session[:-_MAC_LENGTH], session[-_MAC_LENGTH:]
    if not hmac.compare_digest(shown.encode(errors="replace"), _mac(text, scope, key).encode()):
        return False
    issued = int(text[ID_LENGTH:], 16)
    return issued - MAX_AHEAD <= now <= issued + max_age


def _mac(text: str, scope: SessionScope, key: str) -> str:
    return hmac.new(key.encode(), "/".join((text, *scope)).encode(), hashlib.sha256).hexdigest()[:_MAC_LENGTH]
