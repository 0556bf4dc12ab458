"""Routes of a domain's DNS record, which the dialect leaves to the web console."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from oxbow.kernel.gateway import Authenticated
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.rooms.live.cname.models import CnameCheck
from oxbow.rooms.live.cname.service import CnameService
from oxbow.rooms.live.domains import DomainService

CNAME = "/domains/{domain}/cname"


def cname_router(domains: DomainService, cname: CnameService) -> APIRouter:
    """What the record should be, and what it was found to be."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live", EXTENSION])

    @router.get(CNAME, summary="Where a domain's DNS record should lead, and where it was seen to lead")
    async def get_domain_cname(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        found = await domains.get(who.account.id, hub, domain)
        check = await cname.latest(found)
        return _told(check) if check else _unknown(cname.expected(found), cname.resolver)

    @router.post(CNAME, summary="Look at a domain's DNS record now")
    async def check_domain_cname(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        return _told(await cname.check(await domains.get(who.account.id, hub, domain)))

    return router


def _told(check: CnameCheck) -> dict[str, Any]:
    return {
        "expected": check.expected,
        "right": check.right,
        "found": list(check.found.chain),
        "addresses": list(check.found.addresses),
        "problem": check.verdict,
        "resolver": check.resolver,
        "checkedAt": check.checked_at,
    }


def _unknown(expected: str, resolver: str) -> dict[str, Any]:
    return {
        "expected": expected,
        "right": False,
        "found": [],
        "addresses": [],
        "problem": "not looked at yet",
        "resolver": resolver,
        "checkedAt": 0,
    }
