"""`oxbow hub`: the live spaces that streams belong to."""

from __future__ import annotations

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, moment, write_facts, write_json, write_table
from oxbow.cli.security import SECURITIES, key_option, set_security
from oxbow.client.play_signature import SIGNED

SECOND_PUBLISHER = {"refuse": "is refused", "takeover": "takes over"}


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
        rules = client.get(f"/v2/hubs/{name}/publish")
    if as_json:
        write_json({**info, "publish": rules})
        return
    domains = [f"{domain['domain']} ({domain['type']})" for domain in info["domains"]]
    write_facts(
        {
            "hub": info["hubName"],
            "created": moment(info["createdAt"]),
            "changed": moment(info["updatedAt"]),
            "publish security": info["publishSecurity"],
            "unknown streams": "are created when published" if rules["autoCreate"] else "are refused",
            "second publisher": SECOND_PUBLISHER[rules["secondPublisher"]],
            "grace": f"viewers wait {rules['graceSeconds']:g} s for a publisher that went away",
            "reached by": "its bound domains only" if info["boundDomainsOnly"] else "every address",
            "signed addresses": info["playSecurity"]["type"] or "as each domain asks for",
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
@click.option(
    "--second-publisher",
    type=click.Choice(list(SECOND_PUBLISHER)),
    help="Whether who publishes a stream that is already live is refused or takes over.",
)
@click.option(
    "--grace",
    type=click.FloatRange(-1, 600),
    help="Seconds that viewers wait for a publisher that went away; -1 for the server's setting.",
)
@click.option(
    "--auto-create/--no-auto-create",
    default=None,
    help="Whether the first publish of an unknown stream creates it.",
)
def rules(name: str, second_publisher: str | None, grace: float | None, auto_create: bool | None) -> None:
    """Say how the hub NAME treats publishers; what is left out stays as it is."""
    given = {"secondPublisher": second_publisher, "graceSeconds": grace, "autoCreate": auto_create}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("nothing to change: pass at least one option")
    with connected() as client:
        client.post(f"/v2/hubs/{name}/publish", changes)
    click.echo(f"hub {name}: changed")


@hub.command()
@click.argument("name")
@click.option(
    "--bound-domains-only/--any-address",
    default=None,
    help="Whether only bound domains lead to the hub's streams, or the server's own address, too.",
)
@click.option(
    "--sign",
    type=click.Choice(["none", *SIGNED]),
    help="How play addresses are signed on domains that have no setting of their own.",
)
@click.option("--key", default="", help="The key they are signed with.")
@click.option("--range", "range_", default=0, help="For how many seconds a tsStartMD5 address counts.")
def play(name: str, bound_domains_only: bool | None, sign: str | None, key: str, range_: int) -> None:
    """Say what the hub NAME asks of whoever plays; what is left out stays as it is."""
    security = None if sign is None else {"type": sign, "key1": key, "range": range_}
    given = {"boundDomainsOnly": bound_domains_only, "playSecurity": security}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("nothing to change: pass at least one option")
    with connected() as client:
        client.post(f"/v2/hubs/{name}/play", changes)
    click.echo(f"hub {name}: changed")


@hub.command()
@click.argument("name")
@click.argument("mode", metavar="MODE", type=click.Choice(SECURITIES))
@key_option
def security(name: str, mode: str, key: str | None) -> None:
    """Say how publishers of the hub NAME prove that they may.

    A publish key that is not given is made up and shown.

    \b
    none       anybody may publish
    static     the address carries the publish key
    expiry     the address is signed with the publish key and expires
    expiry_sk  the address is signed with the account's secret key and expires
    dynamic    the address is signed with the publish key and works once
    """
    set_security(f"/v2/hubs/{name}", mode, key)
    click.echo(f"hub {name}: publish security is {mode}")
