"""What an operator may choose about domains: environment OXBOW_DOMAINS_*, or the table [domains]."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field

from oxbow.kernel.settings import Section

OFF = "off"
SYSTEM = "system"
DNS_PORT = 53


def _resolver(text: str) -> str:
    if text not in (OFF, SYSTEM):
        resolver_address(text)
    return text


def _addresses(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ip_address(text)) for text in texts)


def resolver_address(text: str) -> tuple[str, int]:
    """`192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353` as an address and a port."""
    host, port = text, str(DNS_PORT)
    if text.startswith("["):
        host, _, port = text[1:].partition("]:")
    elif text.count(":") == 1:
        host, port = text.split(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{port!r} is no port of a DNS server")
    return str(ip_address(host)), int(port)


class DomainSettings(Section, env_prefix="OXBOW_DOMAINS_", toml_table="domains"):
    """Which DNS is asked about bound domains, and when their certificates need care."""

    resolver: Annotated[str, AfterValidator(_resolver)] = Field(
        default=SYSTEM,
        description="The DNS server that is asked where bound domains lead. off asks none; a domain works "
        "whatever its DNS record says.",
        json_schema_extra={"takes": "an address such as 192.0.2.53 or [2001:db8::53]:5353, system, or off"},
    )
    dns_timeout_seconds: float = Field(
        default=3.0,
        gt=0,
        le=30,
        description="How long one DNS query may take, and all of a check four times.",
    )
    public_addresses: Annotated[tuple[str, ...], AfterValidator(_addresses)] = Field(
        default_factory=tuple,
        description="This installation's own addresses. A domain whose A and AAAA records lead to nothing "
        "else is right without a CNAME, which the apex of a zone cannot have.",
        json_schema_extra={"takes": "addresses, separated by commas"},
    )
    check_seconds: float = Field(
        default=30.0,
        ge=0.1,
        le=86_400,
        description="How often the DNS record of a domain that was just bound is looked at until "
        "it is right.",
    )
    setup_hours: float = Field(
        default=72.0,
        gt=0,
        le=8760,
        description="How long a domain's set-up waits for its DNS record before it is told to have failed.",
    )
    certificate_warn_days: int = Field(
        default=21,
        ge=1,
        le=365,
        description="With fewer days left than this a certificate is told to be expiring.",
    )
