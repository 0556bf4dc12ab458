"""No end of a broadcast is forgotten: what it takes to tell of it is kept until that is written down."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.history import HistoryEntry, HistoryStore
from oxbow.rooms.live.models import Activity

_decoder = msgspec.json.Decoder(LivePublisher)


def written(publisher: LivePublisher) -> str:
    """A publisher for the record of its broadcast; empty for one that no domain's callbacks are about."""
    return msgspec.json.encode(publisher).decode() if publisher.domain else ""


def read(activity: Activity) -> LivePublisher | None:
    """What `written` wrote, while the broadcast is on."""
    return _decoder.decode(activity.publisher) if activity.publisher else None


class NoticesFirst:
    """Writes the history once the notices about it are in the database. A crash before that leaves the
    broadcast open, so that the next start tells of its end; one after it can lose nothing."""

    def __init__(self, store: HistoryStore, webhooks: WebhookService) -> None:
        self._store = store
        self._webhooks = webhooks

    async def write_history(self, entries: Sequence[HistoryEntry]) -> None:
        """All of them or none."""
        if not await self._webhooks.flush():
            raise DatabaseUnavailableError
        await self._store.write_history(entries)
