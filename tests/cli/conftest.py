"""The `oxbow` command against an API that is told what to answer and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from oxbow.cli.root import root
from oxbow.kernel.signing import SignedRequest, parse_authorization, verify

ACCESS_KEY = "cli-test-access-key"
SECRET_KEY = "cli-test-secret-key"


@dataclass
class CannedApi:
    """Answers by method and target; anything it was not told about is a 404."""

    port: int = 0
    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, method: str, target: str, document: Any, status: int = 200) -> None:
        self.answers[method, target] = status, document

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.asked.append((handler.command, handler.path, json.loads(body) if body else None))
        status, document = self.answers.get((handler.command, handler.path), (404, {"error": "not found"}))
        if not is_signed(handler, body):
            status, document = 401, {"error": "bad token"}
        payload = json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)


def is_signed(handler: BaseHTTPRequestHandler, body: bytes) -> bool:
    """Check the signature as the server does."""
    path, _, query = handler.path.encode().partition(b"?")
    headers = [(name.lower().encode(), value.encode()) for name, value in handler.headers.items()]
    request = SignedRequest.of_headers(handler.command, path, query, headers, body)
    credential = parse_authorization(handler.headers["Authorization"])
    return credential.access_key == ACCESS_KEY and verify(credential, request, SECRET_KEY)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CannedApi]:
    """A listening API, and settings that point at it."""
    canned = CannedApi()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            canned.handle(self)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the base class looks for these names.

        def log_message(self, format: str, *args: object) -> None:
            """Tests speak for themselves."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        canned.port = server.server_address[1]
        monkeypatch.setenv("OXBOW_API_LISTEN", f"127.0.0.1:{canned.port}")
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield canned
        server.shutdown()


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home that does not exist yet, and key pairs from the settings."""
    path = tmp_path / "home"
    monkeypatch.setenv("OXBOW_HOME", str(path))
    monkeypatch.setenv("OXBOW_ROOT_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("OXBOW_ROOT_SECRET_KEY", SECRET_KEY)
    return path


@pytest.fixture
def oxbow() -> Callable[..., Result]:
    """Run the command with arguments; what it would have raised is shown as a failure of the test."""

    def run(*arguments: str, input: str | None = None) -> Result:
        result = CliRunner().invoke(root, arguments, input=input)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
