"""Certificates from an authority: ordered, proven, issued, renewed, against pebble; and killed in between."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from e2e.media import eventually
from e2e.pebble import Pebble, pebble
from e2e.server import Server
from nameserver import NameServer
from oxbow.client import Client, RefusedError, ServerUnreachableError

pytestmark = pytest.mark.e2e

NAME = "flv.example.com"
DOMAIN = f"/v2/hubs/live/domains/{NAME}"


@pytest.fixture
def authority(tmp_path: Path, made: Server, dns_server: NameServer) -> Iterator[Pebble]:
    dns_server.records = {(NAME, "A"): ["127.0.0.1"]}
    with pebble(tmp_path, made.media_port, dns_server.address) as running:
        yield running


@pytest.fixture
def made(new_server: Callable[..., Server], tmp_path: Path) -> Server:
    """Not started yet: the authority must know its port first."""
    (tmp_path / "crash").mkdir()
    return new_server(tasks_crash_dir=tmp_path / "crash", tasks_poll_seconds=0.05, domains_resolver="off")


@pytest.fixture
def client(made: Server, authority: Pebble) -> Iterator[Client]:
    made.set(
        acme_directory=authority.directory,
        acme_ca_file=authority.ca_file,
        acme_agree_terms="true",
        acme_email="operator@example.com",
    )
    with made, made.client() as client:
        client.post("/v2/hubs/live/newdomains", {"domain": NAME, "type": "liveHdl"})
        yield client


def shown(client: Client, task: str) -> dict[str, Any]:
    """A task; empty while the server is away."""
    try:
        found: dict[str, Any] = client.get(f"/v2/tasks/{task}")
    except (ServerUnreachableError, RefusedError):
        return {}
    return found


def issued(client: Client) -> x509.Certificate:
    """Order a certificate, await it, and read what the domain shows now."""
    task = client.post(f"{DOMAIN}/acme", {})["task"]
    eventually(lambda: shown(client, task).get("state") == "succeeded", "a certificate", 60)
    cert = client.get(f"/sslcert/{client.get(DOMAIN)['certName']}")["cert"]
    assert (cert["source"], cert["dnsnames"]) == ("acme", [NAME])
    return x509.load_pem_x509_certificate(cert["ca"].encode())


def test_a_certificate_is_issued_and_renewed(client: Client, authority: Pebble, made: Server) -> None:
    first = issued(client)
    assert client.get(DOMAIN)["certificate"]["state"] == "valid"
    ssl.create_default_context(cadata=authority.root())
    second = issued(client)
    assert second.serial_number != first.serial_number
    assert len(client.get("/sslcert")["certs"]) == 1, "a renewed certificate is not kept"
    stale = f"{made.http('')}.well-known/acme-challenge/nothing"
    assert httpx.get(stale, trust_env=False).status_code == 404


def test_a_domain_that_leads_elsewhere_is_refused_in_the_authoritys_words(
    client: Client, dns_server: NameServer
) -> None:
    dns_server.records = {}
    task = client.post(f"{DOMAIN}/acme", {})["task"]
    found = eventually(lambda: shown(client, task).get("error"), "a refusal", 60)
    assert f"does not certify {NAME}" in found
    client.post(f"/v2/tasks/{task}/cancel", {})
    eventually(lambda: shown(client, task)["state"] in ("cancelled", "rolledBack"), "its end")
    assert client.get(DOMAIN)["certName"] == ""


@pytest.mark.parametrize("point", ["ordered", "prepared", "requested", "kept"])
def test_an_order_survives_kill_9(client: Client, tmp_path: Path, point: str) -> None:
    armed = tmp_path / "crash" / f"live.issue_certificate.{point}"
    armed.touch()
    issued(client)
    assert not armed.exists()
    assert len(client.get("/sslcert")["certs"]) == 1


def test_without_an_authority_nothing_is_ordered(api: Client, hub: str) -> None:
    api.post(f"/v2/hubs/{hub}/newdomains", {"domain": f"{hub}.example.com", "type": "liveHdl"})
    with pytest.raises(RefusedError, match="OXBOW_ACME_DIRECTORY"):
        api.post(f"/v2/hubs/{hub}/domains/{hub}.example.com/acme", {})
