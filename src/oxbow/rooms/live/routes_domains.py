"""Routes of domains: https://developer.qiniu.com/pili/9895/live-domain-list and the pages next to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic.alias_generators import to_snake

from oxbow.kernel.gateway import Authenticated, JsonBody, json_body
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.rooms.live import answers
from oxbow.rooms.live.bodies import NewDomain
from oxbow.rooms.live.bodies_callbacks import (
    SetConnectCallback,
    SetDisconnectCallback,
    SetDisconnectDelay,
    SetOriginAuth,
)
from oxbow.rooms.live.bodies_domains import (
    SetAreaLimit,
    SetIpLimit,
    SetPlaySecurity,
    SetRefererLimit,
    SetUrlRewrite,
)
from oxbow.rooms.live.certificates import answers as certificate_answers
from oxbow.rooms.live.certificates.service import CertificateService
from oxbow.rooms.live.domains import DomainService
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.secrets import DOMAIN_PLAY_KEYS
from oxbow.rooms.live.settings import LiveSettings


def domains_router(
    domains: DomainService, certificates: CertificateService, settings: LiveSettings
) -> APIRouter:
    """What can be done with a hub's domains."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live"])

    @router.get("/domains", summary="List a hub's domains")
    async def list_domains(who: Authenticated, hub: str) -> dict[str, Any]:
        found = await domains.of(who.account.id, hub)
        return answers.domain_list(found, settings.cname_suffix)

    @router.get("/domains/{domain}", summary="A domain's properties")
    async def get_domain(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        found = await domains.get(who.account.id, hub, domain)
        told = who.asking(DOMAIN_PLAY_KEYS).may(hub)
        info = answers.domain_info(found, settings.cname_suffix, told=told)
        return info | {"certificate": certificate_answers.of_domain(found, certificates)}

    @router.post("/newdomains", summary="Bind a domain")
    async def bind_domain(
        who: Authenticated, hub: str, body: Annotated[NewDomain, Depends(json_body(NewDomain))]
    ) -> dict[str, Any]:
        await domains.bind(who.account.id, hub, body.domain, DomainType(body.type))
        return {}

    @router.delete("/domains/{domain}", summary="Unbind a domain")
    async def unbind_domain(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        # The Go client sends a body of `{}`; whatever stands there is of no meaning.
        await domains.unbind(who.account.id, hub, domain)
        return {}

    _add_setting(router, domains, REWRITE)
    return router


@dataclass(frozen=True)
class _Setting:
    """An endpoint that replaces one of a domain's settings."""

    path: str
    summary: str
    body: type[JsonBody]
    """One that makes a `setting()`."""


REWRITE = _Setting("urlrewrite", "Set how a domain's addresses are rewritten", SetUrlRewrite)
"""The one that the dialect documents: https://developer.qiniu.com/pili/9901."""
SETTINGS = (
    _Setting("playSecurity", "Set how play addresses are signed", SetPlaySecurity),
    _Setting("ipLimit", "Set which addresses may use a domain", SetIpLimit),
    _Setting("refererLimit", "Set which pages may play from a domain", SetRefererLimit),
    _Setting("areaLimit", "Set which areas may play from a domain", SetAreaLimit),
    _Setting("connectCallback", "Set who is asked before a publisher is let in", SetConnectCallback),
    _Setting("disconnectCallback", "Set who is told when a broadcast has ended", SetDisconnectCallback),
    _Setting("disconnectDelay", "Set how long a publisher may be away unnoticed", SetDisconnectDelay),
    _Setting("originAuth", "Set who decides about publishing and playing", SetOriginAuth),
)


def domain_settings_router(domains: DomainService) -> APIRouter:
    """Who may use a domain and how, which the dialect leaves to the web console."""
    router = APIRouter(prefix="/v2/hubs/{hub}", tags=["live", EXTENSION])

    @router.post("/domains/{domain}/disable", summary="Let nobody use a domain, and cut who does")
    async def disable_domain(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        await domains.disable(who.account.id, hub, domain, disabled=True)
        return {}

    @router.post("/domains/{domain}/enable", summary="Let a disabled domain be used again")
    async def enable_domain(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        await domains.disable(who.account.id, hub, domain, disabled=False)
        return {}

    for setting in SETTINGS:
        _add_setting(router, domains, setting)
    return router


def _add_setting(router: APIRouter, domains: DomainService, setting: _Setting) -> None:
    router.add_api_route(
        f"/domains/{{domain}}/{setting.path}",
        _setter(domains, Depends(json_body(setting.body))),
        methods=["POST"],
        name=f"set_{to_snake(setting.path)}",
        summary=setting.summary,
    )


def _setter(domains: DomainService, parsed: Any) -> Callable[..., Awaitable[dict[str, Any]]]:
    async def set_setting(who: Authenticated, hub: str, domain: str, body: Any = parsed) -> dict[str, Any]:
        await domains.set(who.account.id, hub, domain, body.setting())
        return {}

    return set_setting
