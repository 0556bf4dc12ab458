"""Routes of domains: https://developer.qiniu.com/pili/9895/live-domain-list and the pages next to it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from oxbow.kernel.gateway import Authenticated, json_body
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.rooms.live import answers
from oxbow.rooms.live.bodies import NewDomain
from oxbow.rooms.live.bodies_domains import Explain, SetIpLimit, SetPlaySecurity, SetRefererLimit
from oxbow.rooms.live.explain import Explainer
from oxbow.rooms.live.hubs import HubService
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.settings import LiveSettings


def domains_router(hubs: HubService, settings: LiveSettings) -> APIRouter:
    """What can be done with a hub's domains."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live"])

    @router.get("/domains", summary="List a hub's domains")
    async def list_domains(who: Authenticated, hub: str) -> dict[str, Any]:
        _, domains = await hubs.get(who.account.id, hub)
        return answers.domain_list(domains, settings.cname_suffix)

    @router.get("/domains/{domain}", summary="A domain's properties")
    async def get_domain(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        found = await hubs.domain(who.account.id, hub, domain)
        return answers.domain_info(found, settings.cname_suffix)

    @router.post("/newdomains", summary="Bind a domain")
    async def bind_domain(
        who: Authenticated, hub: str, body: Annotated[NewDomain, Depends(json_body(NewDomain))]
    ) -> dict[str, Any]:
        await hubs.bind(who.account.id, hub, body.domain, DomainType(body.type))
        return {}

    @router.delete("/domains/{domain}", summary="Unbind a domain")
    async def unbind_domain(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        # The Go client sends a body of `{}`; whatever stands there is of no meaning.
        await hubs.unbind(who.account.id, hub, domain)
        return {}

    return router


def domain_extensions_router(hubs: HubService, explainer: Explainer) -> APIRouter:
    """Who may use a domain, which the dialect leaves to the web console."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live", EXTENSION])

    @router.post("/domains/{domain}/playSecurity", summary="Set how play addresses are signed")
    async def set_play_security(
        who: Authenticated,
        hub: str,
        domain: str,
        body: Annotated[SetPlaySecurity, Depends(json_body(SetPlaySecurity))],
    ) -> dict[str, Any]:
        await hubs.set_play_security(who.account.id, hub, domain, body.security())
        return {}

    @router.post("/domains/{domain}/ipLimit", summary="Set which addresses may use a domain")
    async def set_ip_limit(
        who: Authenticated, hub: str, domain: str, body: Annotated[SetIpLimit, Depends(json_body(SetIpLimit))]
    ) -> dict[str, Any]:
        await hubs.set_ip_limit(who.account.id, hub, domain, body.limit())
        return {}

    @router.post("/domains/{domain}/refererLimit", summary="Set which pages may play from a domain")
    async def set_referer_limit(
        who: Authenticated,
        hub: str,
        domain: str,
        body: Annotated[SetRefererLimit, Depends(json_body(SetRefererLimit))],
    ) -> dict[str, Any]:
        await hubs.set_referer_limit(who.account.id, hub, domain, body.limit())
        return {}

    @router.post("/explain", summary="Say whether an address would be let in, and why not")
    async def explain_address(
        who: Authenticated, hub: str, body: Annotated[Explain, Depends(json_body(Explain))]
    ) -> dict[str, Any]:
        await hubs.get(who.account.id, hub)
        found = await explainer.explain(hub, body.url, body.client_ip, body.referer, body.action)
        return answers.explanation(found)

    return router
