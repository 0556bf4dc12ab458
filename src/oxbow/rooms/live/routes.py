"""All routes of the live room."""

from __future__ import annotations

from fastapi import APIRouter

from oxbow.rooms.live.certificates.routes import acme_router, certificates_router
from oxbow.rooms.live.cname.routes import cname_router
from oxbow.rooms.live.routes_domains import domain_settings_router, domains_router
from oxbow.rooms.live.routes_explain import explain_router
from oxbow.rooms.live.routes_hubs import hub_extensions_router, hubs_router
from oxbow.rooms.live.routes_streams import stream_extensions_router, streams_router
from oxbow.rooms.live.service import LiveService
from oxbow.rooms.live.settings import LiveSettings


def live_routers(service: LiveService, settings: LiveSettings) -> list[APIRouter]:
    """The dialect's routes first, then the extensions."""
    return [
        hubs_router(service.hubs, settings),
        domains_router(service.domains, service.certificates, settings),
        certificates_router(service.certificates),
        streams_router(service.streams),
        hub_extensions_router(service.hubs, settings),
        domain_settings_router(service.domains),
        cname_router(service.domains, service.cname),
        acme_router(service.domains, service.certificate_watch),
        explain_router(service.hubs, service.explainer),
        stream_extensions_router(service.streams),
    ]
