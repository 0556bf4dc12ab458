"""`oxbow url`: addresses to give to an encoder or a player."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, write_facts, write_json
from oxbow.cli.security import KEYED_SECURITIES
from oxbow.cli.vault import root_pair
from oxbow.client import (
    Client,
    Reach,
    RefusedError,
    play_addresses,
    play_query,
    publish_address,
    publish_query,
    stream_path,
)
from oxbow.kernel.settings import KernelSettings, load

PLAY_TYPES = ("liveRtmp", "liveHdl", "liveHls")

host_option = click.option(
    "--host",
    help="The server's name or address as encoders and players reach it, for hubs without a domain. "
    "Without it the address the server listens on, or 127.0.0.1.",
)


@click.group()
def url() -> None:
    """Print the addresses of a stream: where to publish it and where to watch it."""


@url.command()
@click.argument("hub")
@click.argument("stream")
@click.option("--seconds", default=3600, show_default=True, help="How long a signed address may be used.")
@click.option(
    "--key", help="The publish key, for static, expiry and dynamic; by default the one that counts."
)
@host_option
def publish(hub: str, stream: str, seconds: int, key: str | None, host: str | None) -> None:
    """Print an address that an encoder may publish STREAM of HUB to, signed as the hub asks for."""
    with connected() as client:
        info = client.get(f"/v2/hubs/{hub}")
        security, own_key = publish_security(client, info, hub, stream)
        if security in KEYED_SECURITIES and not (key or own_key):
            own_key = client.get(f"/v2/hubs/{hub}/publishKey")["publishKey"]
        settings = load(KernelSettings)
        reach = Reach.of(settings, info, host)
        reach = reach.with_certificates(domain_infos(client, hub, reach, ("publishRtmp",)))
    if security in KEYED_SECURITIES and not (key or own_key):
        raise click.UsageError(f"the publish security is {security}, but there is no publish key: set one")
    query = publish_query(
        f"/{hub}/{stream}",
        security,
        publish_key=key or own_key,
        keys=root_pair(settings),
        expires=int(time.time()) + seconds,
    )
    click.echo(publish_address(reach, hub, stream, query))


def publish_security(client: Client, hub_info: dict[str, Any], hub: str, stream: str) -> tuple[str, str]:
    """The security that counts, a stream's own before its hub's, and the stream's own publish key."""
    try:
        info = client.get(stream_path(hub, stream))
    except RefusedError as refusal:
        if refusal.status not in (404, 612):
            raise
        info = {"publishSecurity": ""}
    if info["publishSecurity"]:
        return info["publishSecurity"], info["publishKey"]
    return hub_info["publishSecurity"], ""


@url.command()
@click.argument("hub")
@click.argument("stream")
@click.option("--seconds", default=3600, show_default=True, help="How long a signed address may be used.")
@host_option
@json_option
def play(hub: str, stream: str, seconds: int, host: str | None, as_json: bool) -> None:
    """Print the addresses at which STREAM of HUB can be watched, signed as its domains ask for."""
    with connected() as client:
        info = client.get(f"/v2/hubs/{hub}")
        reach = Reach.of(load(KernelSettings), info, host)
        domains = domain_infos(client, hub, reach, PLAY_TYPES)
        securities = play_securities(client, hub, domains)
    reach = reach.with_certificates(domains)
    expires = int(time.time()) + seconds

    def query(kind: str, path: str) -> str:
        return play_query(path, securities[kind], expires) if kind in securities else ""

    addresses = play_addresses(reach, hub, stream, query)
    if as_json:
        write_json(addresses)
    else:
        write_facts(addresses)


def domain_infos(client: Client, hub: str, reach: Reach, kinds: Collection[str]) -> dict[str, dict[str, Any]]:
    """What the API says about the domains that serve `hub`, by type."""
    named = {kind: domain for kind, domain in reach.domains.items() if kind in kinds}
    return {kind: client.get(f"/v2/hubs/{hub}/domains/{domain}") for kind, domain in named.items()}


def play_securities(
    client: Client, hub: str, domains: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What counts for the domains: their own settings, or their hub's where they have none."""
    own = {kind: info["playSecurity"] for kind, info in domains.items()}
    if all(security["type"] for security in own.values()):
        return own
    inherited = client.get(f"/v2/hubs/{hub}/play")["playSecurity"]
    return {kind: security if security["type"] else inherited for kind, security in own.items()}
