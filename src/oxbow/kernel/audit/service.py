"""Reading the audit, and forgetting what is too old."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from oxbow.kernel.audit.store import AuditQuery, AuditRecord, AuditStore
from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.logs import get_logger

TIDY_SECONDS = 3600.0
DAY = 86_400

log = get_logger(__name__)


class AuditService:
    """:param days: how long records are kept."""

    def __init__(self, store: AuditStore, days: int, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._days = days
        self._clock = clock
        self._tidying: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Forget old records from now on, once an hour."""
        self._tidying = asyncio.create_task(self._tidy(), name="audit tidying")

    async def close(self) -> None:
        """Stop."""
        if self._tidying is not None:
            self._tidying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tidying
            self._tidying = None

    async def page(self, account: int, query: AuditQuery) -> list[AuditRecord]:
        """Records, the newest first."""
        return await self._store.page(account, query)

    async def forget_old(self) -> int:
        """Delete what was kept for long enough; how many records that were."""
        return await self._store.forget(self._clock() - self._days * DAY)

    async def _tidy(self) -> None:
        while True:
            try:
                await self.forget_old()
            except DatabaseUnavailableError:
                pass
            except Exception:
                log.exception("audit_not_tidied")
            await asyncio.sleep(TIDY_SECONDS)
