"""Routes of certificates: https://developer.qiniu.com/fusion/8593/interface-related-certificate."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from oxbow.kernel.gateway import Authenticated, Principal, json_body
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.kernel.iam.actions import partly
from oxbow.rooms.live.certificates import answers
from oxbow.rooms.live.certificates.bodies import NewCertificate, SetCertificate
from oxbow.rooms.live.certificates.errors import CertificateNotFound
from oxbow.rooms.live.certificates.models import StoredCertificate
from oxbow.rooms.live.certificates.service import CertificateService
from oxbow.rooms.live.certificates.watch import CertificateWatch
from oxbow.rooms.live.domains import DomainService
from oxbow.rooms.live.fields import decode_marker, page_limit


def certificates_router(certificates: CertificateService) -> APIRouter:
    """Keeping certificates, and giving them to domains.

    A user who was granted some hubs may upload, and sees those that are for a domain of these.
    """
    router = APIRouter(tags=["live"])

    def visible(who: Principal, certificate: StoredCertificate) -> bool:
        return who.may_all or any(who.may(hub) for hub in certificates.hubs_of(certificate))

    async def one(who: Principal, cert_id: str) -> StoredCertificate:
        found = await certificates.get(who.account.id, cert_id)
        if not visible(who, found):
            raise CertificateNotFound
        return found

    @router.post("/sslcert", summary="Upload a certificate")
    @partly
    async def create_certificate(
        who: Authenticated, body: Annotated[NewCertificate, Depends(json_body(NewCertificate))]
    ) -> dict[str, Any]:
        id_ = await certificates.upload(who.account.id, body.name, body.common_name, body.ca, body.pri)
        return {"certID": id_}

    @router.get("/sslcert", summary="List certificates")
    @partly
    async def list_certificates(who: Authenticated, request: Request) -> dict[str, Any]:
        query = request.query_params
        limit = page_limit(query)
        found = await certificates.page(who.account.id, decode_marker(query), limit)
        return answers.certificate_list(found, limit, certificates, lambda each: visible(who, each))

    @router.get("/sslcert/{cert_id}", summary="A certificate, without its key")
    @partly
    async def get_certificate(who: Authenticated, cert_id: str) -> dict[str, Any]:
        return answers.certificate_detail(await one(who, cert_id), certificates)

    @router.delete("/sslcert/{cert_id}", summary="Delete a certificate that no domain shows")
    @partly
    async def delete_certificate(who: Authenticated, cert_id: str) -> dict[str, Any]:
        for hub in certificates.hubs_of(await one(who, cert_id)):
            who.demand(hub)
        await certificates.delete(who.account.id, cert_id)
        return {}

    @router.post("/v2/hubs/{hub}/domains/{domain}/cert", summary="Let a domain show a certificate")
    async def set_domain_certificate(
        who: Authenticated,
        hub: str,
        domain: str,
        body: Annotated[SetCertificate, Depends(json_body(SetCertificate))],
    ) -> dict[str, Any]:
        await certificates.deploy(who.account.id, hub, domain, body.cert_name)
        return {}

    return router


def acme_router(domains: DomainService, watch: CertificateWatch) -> APIRouter:
    """Having the authority issue one, which the dialect leaves to the web console."""
    router = APIRouter(tags=["live", EXTENSION])

    @router.post("/v2/hubs/{hub}/domains/{domain}/acme", summary="Get a certificate from the authority")
    async def order_domain_certificate(who: Authenticated, hub: str, domain: str) -> dict[str, Any]:
        found = await domains.get(who.account.id, hub, domain)
        return {"task": (await watch.order(who.account.id, found)).id}

    return router
