"""The HTTP gateway: what happens to every API request before and after a room's route."""

from oxbow.kernel.gateway.app import create_app, documented_routes
from oxbow.kernel.gateway.json_body import JsonBody, json_body
from oxbow.kernel.gateway.principal import Principal
from oxbow.kernel.gateway.server import serve
from oxbow.kernel.gateway.signature import Authenticated, authenticated

__all__ = [
    "Authenticated",
    "JsonBody",
    "Principal",
    "authenticated",
    "create_app",
    "documented_routes",
    "json_body",
    "serve",
]
