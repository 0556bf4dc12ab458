"""What the API answers about certificates: never a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oxbow.rooms.live.certificates.models import StoredCertificate
from oxbow.rooms.live.certificates.service import CertificateService
from oxbow.rooms.live.fields import encode_marker
from oxbow.rooms.live.models import Domain

Json = dict[str, Any]


def certificate_list(
    found: Sequence[StoredCertificate],
    limit: int,
    service: CertificateService,
    visible: Callable[[StoredCertificate], bool],
) -> Json:
    """A page without what the caller may not see; its marker is empty if the whole page was not full."""
    marker = encode_marker(found[-1].id) if len(found) == limit else ""
    return {
        "code": 200,
        "error": "",
        "marker": marker,
        "certs": [_facts(certificate, service) for certificate in found if visible(certificate)],
    }


def certificate_detail(certificate: StoredCertificate, service: CertificateService) -> Json:
    """With the chain. The page has the private key as well; here it stays where it is."""
    facts = _facts(certificate, service) | {"ca": certificate.chain_pem, "pri": ""}
    return {"code": 200, "error": "", "cert": facts}


def of_domain(domain: Domain, service: CertificateService) -> Json | None:
    """How long a domain's certificate will last; None where it has none."""
    certificate = service.of_domain(domain.cert_name)
    if certificate is None:
        return None
    return {
        "notAfter": certificate.not_after,
        "daysLeft": service.days_left(certificate),
        "state": service.state(certificate),
        "source": certificate.source,
        "dnsNames": list(certificate.dns_names),
    }


def _facts(certificate: StoredCertificate, service: CertificateService) -> Json:
    return {
        "certid": certificate.id,
        "name": certificate.name,
        "common_name": certificate.common_name,
        "dnsnames": list(certificate.dns_names),
        "create_time": certificate.created_at,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "issuer": certificate.issuer,
        "fingerprint": certificate.fingerprint,
        "source": certificate.source,
        "state": service.state(certificate),
        "daysLeft": service.days_left(certificate),
    }
