"""Binding a domain on a real server: what can be watched, and that it survives being killed at any point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.media import eventually
from e2e.server import Server
from nameserver import NameServer
from oxbow.client import Client, RefusedError, ServerUnreachableError

pytestmark = pytest.mark.e2e

NAME = "flv.example.com"
EXPECTED = f"{NAME}.live-hdl.oxbow.internal"
DOMAIN = f"/v2/hubs/live/domains/{NAME}"


@pytest.fixture
def crashing(new_server: Callable[..., Server], tmp_path: Path, dns_server: NameServer) -> Iterator[Server]:
    """A server that can be told where to die."""
    (tmp_path / "crash").mkdir()
    with new_server(
        tasks_crash_dir=tmp_path / "crash",
        tasks_poll_seconds=0.05,
        domains_resolver=dns_server.address,
        domains_check_seconds=0.1,
    ) as server:
        yield server


def task_of(client: Client, kind: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = client.get(f"/v2/tasks?kind={kind}&subject={NAME}")["items"]
    return found[0] if found else {}


def in_state(client: Client, kind: str, state: str) -> dict[str, Any] | None:
    """The domain's task once it is in a state; the server may be away in between."""
    try:
        task = task_of(client, kind)
    except (ServerUnreachableError, RefusedError):
        return None
    return task if task.get("state") == state else None


def bind(client: Client) -> None:
    client.post("/v2/hubs/live/newdomains", {"domain": NAME, "type": "liveHdl"})


def test_everybody_can_see_what_a_domain_waits_for(crashing: Server, dns_server: NameServer) -> None:
    dns_server.records = {(NAME, "CNAME"): ["old.example.net."]}
    with crashing.client() as client:
        bind(client)

        def waits() -> dict[str, Any] | None:
            task = in_state(client, "live.bind_domain", "waiting") or {}
            return task if "found old.example.net" in task.get("note", "") else None

        task = eventually(waits, "a task that waits for the CNAME")
        assert task["waitsFor"] == f"CNAME of {NAME} to be {EXPECTED}"
        assert client.get(f"{DOMAIN}/cname")["found"] == ["old.example.net"]
        dns_server.records = {(NAME, "CNAME"): [f"{EXPECTED}."]}
        assert client.post(f"{DOMAIN}/cname", {})["right"] is True
        eventually(lambda: in_state(client, "live.bind_domain", "succeeded"), "success")


@pytest.mark.parametrize(
    "point", ["live.domain.bound", "live.bind_domain.checked", "tasks.step_done", "tasks.settled"]
)
def test_a_binding_survives_kill_9_between_effect_and_record(
    crashing: Server, dns_server: NameServer, tmp_path: Path, point: str
) -> None:
    dns_server.records = {(NAME, "CNAME"): [f"{EXPECTED}."]}
    armed = tmp_path / "crash" / point
    armed.touch()
    with crashing.client() as client:
        try:
            bind(client)
        except ServerUnreachableError:
            assert point == "live.domain.bound"
        eventually(lambda: not armed.exists(), f"the server to die at {point}")
        eventually(lambda: in_state(client, "live.bind_domain", "succeeded"), "success")
        assert client.get(DOMAIN)["domain"] == NAME
        assert len(client.get("/v2/tasks?kind=live.bind_domain")["items"]) == 1


def test_an_unbinding_survives_kill_9(crashing: Server, tmp_path: Path) -> None:
    with crashing.client() as client:
        bind(client)
        (tmp_path / "crash" / "live.domain.unbound").touch()
        with pytest.raises(ServerUnreachableError):
            client.delete(DOMAIN)
        eventually(lambda: in_state(client, "live.unbind_domain", "succeeded"), "success")
        with pytest.raises(RefusedError, match="no such domain"):
            client.get(DOMAIN)
