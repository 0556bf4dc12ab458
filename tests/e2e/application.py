"""An operator's application: an HTTP server that callbacks and questions come to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from qiniu import Auth

from e2e.server import ACCESS_KEY, SECRET_KEY


@dataclass(frozen=True)
class Call:
    """One request, as it came."""

    path: str
    fields: dict[str, str]
    verified: bool
    """Whether the Python SDK's verify_callback accepts it."""


def everybody(call: Call) -> int:
    return 200


@dataclass
class Application:
    """What came, and how it is answered."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    status: Callable[[Call], int] = everybody

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Call]:
        """What came to this path, the oldest first."""
        return [call for call in self.calls if call.path == path]


@contextmanager
def application() -> Iterator[Application]:
    """It runs until it is left."""
    running = Application()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("", "")

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            self._answer(self.rfile.read(size).decode(), self.headers["Content-Type"])

        def _answer(self, body: str, content_type: str) -> None:
            parts = urlsplit(self.path)
            fields = {name: values[-1] for name, values in parse_qs(f"{parts.query}&{body}").items()}
            url = f"http://{self.headers['Host']}{self.path}"
            shown = self.headers["Authorization"]
            verified = Auth(ACCESS_KEY, SECRET_KEY).verify_callback(shown, url, body, content_type)
            call = Call(parts.path, fields, verified)
            running.calls.append(call)
            self.send_response(running.status(call))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
