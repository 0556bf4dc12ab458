"""A small HTTP/1.1 server for bytes: bodies stream in with back pressure, files go out by sendfile.

The API runs on FastAPI; this is for what carries objects.
"""

from oxbow.kernel.httpd.connection import Handler, Limits, Served
from oxbow.kernel.httpd.request import BadRequest, Body, Request
from oxbow.kernel.httpd.response import FilePart, Response, error, json_response
from oxbow.kernel.httpd.server import HttpServer

__all__ = [
    "BadRequest",
    "Body",
    "FilePart",
    "Handler",
    "HttpServer",
    "Limits",
    "Request",
    "Response",
    "Served",
    "error",
    "json_response",
]
