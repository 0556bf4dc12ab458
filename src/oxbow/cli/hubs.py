"""`oxbow hub`: the live spaces that streams belong to."""

from __future__ import annotations

import secrets

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, moment, write_facts, write_json, write_table

SECURITIES = ("none", "static", "expiry", "expiry_sk", "dynamic")
KEYED_SECURITIES = {"static", "expiry", "dynamic"}


@click.group()
def hub() -> None:
    """Create, list, show and delete hubs, and say who may publish to them.

    A hub is the first part of every address: rtmp://server/HUB/stream.
    """


@hub.command()
@click.argument("name")
def create(name: str) -> None:
    """Create the hub NAME. Anybody may publish to it until `oxbow hub security` says otherwise."""
    with connected() as client:
        client.post("/v2/hubs", {"name": name})
    click.echo(f"created hub {name}")


@hub.command("list")
@json_option
def list_hubs(as_json: bool) -> None:
    """List the hubs."""
    with connected() as client:
        items = client.get("/v2/hubs")["items"]
    if as_json:
        write_json(items)
    else:
        write_table(
            ["HUB"], [[item["name"]] for item in items], empty="no hub; `oxbow hub create NAME` makes one"
        )


@hub.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the settings and the domains of the hub NAME."""
    with connected() as client:
        info = client.get(f"/v2/hubs/{name}")
    if as_json:
        write_json(info)
        return
    domains = [f"{domain['domain']} ({domain['type']})" for domain in info["domains"]]
    write_facts(
        {
            "hub": info["hubName"],
            "created": moment(info["createdAt"]),
            "changed": moment(info["updatedAt"]),
            "publish security": info["publishSecurity"],
            "domains": ", ".join(domains) or "none: it answers on the server's own address",
        }
    )


@hub.command()
@click.argument("name")
@click.confirmation_option(prompt="Delete the hub with its streams, domains and history?")
def delete(name: str) -> None:
    """Delete the hub NAME with everything in it."""
    with connected() as client:
        client.delete(f"/v2/hubs/{name}")
    click.echo(f"deleted hub {name}")


@hub.command()
@click.argument("name")
@click.argument("mode", type=click.Choice(SECURITIES))
@click.option("--key", help="The publish key for static, expiry and dynamic; made up and shown if left out.")
def security(name: str, mode: str, key: str | None) -> None:
    """Say how publishers of the hub NAME prove that they may.

    \b
    none       anybody may publish
    static     the address carries the publish key
    expiry     the address is signed with the publish key and expires
    expiry_sk  the address is signed with the account's secret key and expires
    dynamic    the address is signed with the publish key and works once
    """
    made_up = key is None and mode in KEYED_SECURITIES
    publish_key = key or (secrets.token_hex(16) if made_up else "")
    with connected() as client:
        client.post(f"/v2/hubs/{name}/security", {"publishSecurity": mode, "publishKey": publish_key})
    click.echo(f"hub {name}: publish security is {mode}")
    if made_up:
        click.echo(f"publish key: {publish_key}")
