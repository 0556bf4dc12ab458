"""`oxbow domain`: the host names that serve a hub."""

from __future__ import annotations

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, write_json, write_table

TYPES = ("publishRtmp", "liveRtmp", "liveHls", "liveHdl")


@click.group()
def domain() -> None:
    """List, bind and unbind the domains of a hub.

    Without any domain a hub answers on the server's own address.
    """


@domain.command("list")
@click.argument("hub")
@json_option
def list_domains(hub: str, as_json: bool) -> None:
    """List the domains of HUB."""
    with connected() as client:
        items = client.get(f"/v2/hubs/{hub}/domains")["domains"]
    if as_json:
        write_json(items)
    else:
        rows = [[item["domain"], item["type"]] for item in items]
        write_table(["DOMAIN", "TYPE"], rows, empty="no domain: the hub answers on the server's own address")


@domain.command()
@click.argument("hub")
@click.argument("name")
@click.argument("kind", metavar="TYPE", type=click.Choice(TYPES))
def bind(hub: str, name: str, kind: str) -> None:
    """Let the domain NAME serve HUB.

    \b
    publishRtmp  publishing over RTMP
    liveRtmp     playing over RTMP
    liveHls      playing over HLS
    liveHdl      playing over HTTP-FLV and WebSocket-FLV
    """
    with connected() as client:
        client.post(f"/v2/hubs/{hub}/newdomains", {"domain": name, "type": kind})
    click.echo(f"bound {name} to hub {hub} for {kind}; point its DNS record at this server")


@domain.command()
@click.argument("hub")
@click.argument("name")
def unbind(hub: str, name: str) -> None:
    """Take the domain NAME away from HUB."""
    with connected() as client:
        client.delete(f"/v2/hubs/{hub}/domains/{name}")
    click.echo(f"unbound {name} from hub {hub}")
