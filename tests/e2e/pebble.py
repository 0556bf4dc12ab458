"""Debian's pebble, a certificate authority for tests, as a child on free ports."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from authority import Authority
from e2e.media import eventually
from e2e.server import free_ports


@dataclass(frozen=True)
class Pebble:
    """A running one."""

    directory: str
    ca_file: Path
    """What its own HTTPS is trusted by."""
    management: str

    def root(self) -> str:
        """The root of what it issues, in PEM; another one at each start."""
        return self._get(f"{self.management}/roots/0")

    def _get(self, url: str) -> str:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        return httpx.get(url, verify=context, trust_env=False).text


@contextmanager
def pebble(folder: Path, media_port: int, name_server: str) -> Iterator[Pebble]:
    """Asks `name_server` for addresses, and port `media_port` there for proofs."""
    if not shutil.which("pebble"):
        pytest.skip("needs Debian's pebble")
    api, management = free_ports(2)
    own = Authority(time.time())
    issued = own.issue("localhost")
    files = {"roots.pem": own.root.pem, "chain.pem": own.chain(issued), "key.pem": issued.key_pem}
    for name, text in files.items():
        (folder / name).write_text(text)
    settings = {
        "listenAddress": f"127.0.0.1:{api}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "chain.pem"),
        "privateKey": str(folder / "key.pem"),
        "httpPort": media_port,
        "tlsPort": 1,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    running = Pebble(f"https://localhost:{api}/dir", folder / "roots.pem", f"https://localhost:{management}")
    with (folder / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", name_server, "-strict"],
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20"},
            stdout=log,
            stderr=log,
        )
    try:
        eventually(lambda: _answers(running), f"pebble to answer, see {folder / 'pebble.log'}")
        yield running
    finally:
        process.terminate()
        process.wait()


def _answers(running: Pebble) -> bool:
    try:
        return bool(running.root())
    except httpx.HTTPError:
        return False
