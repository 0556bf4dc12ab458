"""Requests that somebody's settings make this server send: callbacks, authorities, sources."""

from oxbow.kernel.outbound.client import OutboundClient, OutboundResponse
from oxbow.kernel.outbound.errors import OutboundError, OutboundFailed, OutboundRefused
from oxbow.kernel.outbound.guard import AddressGuard, parse_url

__all__ = [
    "AddressGuard",
    "OutboundClient",
    "OutboundError",
    "OutboundFailed",
    "OutboundRefused",
    "OutboundResponse",
    "parse_url",
]
