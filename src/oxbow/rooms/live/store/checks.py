"""What DNS last said of each domain. It changes often and no worker needs it: it is no configuration."""

from __future__ import annotations

import json

from oxbow.kernel.database import Database
from oxbow.rooms.live.cname.models import CnameCheck, Found
from oxbow.rooms.live.store.tables import DomainCheckRow, DomainRow


class CheckStore:
    """One row a domain, gone with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, domain: str) -> CnameCheck | None:
        """The last check, if there was one."""
        async with self._database.session(readonly=True) as session:
            row = await session.get(DomainCheckRow, domain)
        if row is None:
            return None
        found = Found(tuple(json.loads(row.chain)), tuple(json.loads(row.addresses)), row.problem)
        return CnameCheck(row.domain, row.expected, found, row.verdict, row.resolver, row.checked_at)

    async def put(self, check: CnameCheck) -> None:
        """Replace the last check; nothing if the domain was unbound meanwhile."""
        async with self._database.session() as session:
            if await session.get(DomainRow, check.domain, with_for_update={"read": True}) is None:
                return
            row = DomainCheckRow(
                domain=check.domain,
                expected=check.expected,
                chain=json.dumps(check.found.chain),
                addresses=json.dumps(check.found.addresses),
                problem=check.found.problem,
                verdict=check.verdict,
                resolver=check.resolver,
                checked_at=check.checked_at,
            )
            await session.merge(row)
