"""`oxbow domain`, continued: certificates, and who may use a domain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.client.play_signature import SIGNED

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("hub")
@click.argument("name")
@click.option("--chain", type=FILE, help="The certificate chain in PEM, the domain's own first.")
@click.option("--key", type=FILE, help="Its private key in PEM.")
@click.option("--id", "id_", help="A certificate that was uploaded before.")
@click.option("--none", is_flag=True, help="Take the certificate away.")
def cert(hub: str, name: str, chain: Path | None, key: Path | None, id_: str | None, none: bool) -> None:
    """Let the domain NAME of HUB show a certificate: two files, one uploaded before, or none."""
    if [chain is not None and key is not None, id_ is not None, none].count(True) != 1:
        raise click.UsageError("takes --chain with --key, or --id, or --none")
    with connected() as client:
        if chain is not None and key is not None:
            files = {"name": name, "ca": chain.read_text(), "pri": key.read_text()}
            id_ = client.post("/sslcert", files)["certID"]
        client.post(f"/v2/hubs/{hub}/domains/{name}/cert", {"certName": id_ or ""})
    click.echo(f"{name} shows the certificate {id_}" if id_ else f"{name} shows no certificate")


@click.command()
@click.argument("hub")
@click.argument("name")
def acme(hub: str, name: str) -> None:
    """Have the authority in OXBOW_ACME_DIRECTORY issue a certificate for the domain NAME of HUB."""
    with connected() as client:
        task = client.post(f"/v2/hubs/{hub}/domains/{name}/acme", {})["task"]
    click.echo(f"ordered; `oxbow task show {task}` says how far it is")


@click.command("ip-limit")
@click.argument("hub")
@click.argument("name")
@click.option("--allow", help="An address or network; nobody else may use the domain.", multiple=True)
@click.option("--deny", help="An address or network that may not.", multiple=True)
def ip_limit(hub: str, name: str, allow: tuple[str, ...], deny: tuple[str, ...]) -> None:
    """Say which addresses may use the domain NAME of HUB; without options, all."""
    _set(hub, name, "ipLimit", {"whitelist": list(allow), "blacklist": list(deny)})


@click.command("referer-limit")
@click.argument("hub")
@click.argument("name")
@click.option("--allow", help="A host, or *. and a domain; no other page may play.", multiple=True)
@click.option("--deny", help="A host, or *. and a domain, that may not.", multiple=True)
@click.option(
    "--allow-empty/--no-allow-empty", default=True, help="Whether players that name no page may play."
)
def referer_limit(
    hub: str, name: str, allow: tuple[str, ...], deny: tuple[str, ...], allow_empty: bool
) -> None:
    """Say which pages may play from the domain NAME of HUB; without options, all."""
    limit = {"allow": list(allow), "deny": list(deny), "allowEmpty": allow_empty}
    _set(hub, name, "refererLimit", limit)


@click.command("play-security")
@click.argument("hub")
@click.argument("name")
@click.argument("mode", metavar="MODE", type=click.Choice(["hub", "none", *SIGNED]))
@click.option("--key", default="", help="The key that addresses are signed with.")
@click.option("--key2", default="", help="A second one that counts as well.")
@click.option("--range", "range_", default=0, help="For how many seconds a tsStartMD5 address counts.")
def play_security(hub: str, name: str, mode: str, key: str, key2: str, range_: int) -> None:
    """Say how play addresses of the domain NAME of HUB are signed.

    MODE is hub, which leaves it to the hub, none, tsStartMD5 or tsExpireMD5.
    """
    type_ = "" if mode == "hub" else mode
    _set(hub, name, "playSecurity", {"type": type_, "key1": key, "key2": key2, "range": range_})


def _set(hub: str, name: str, setting: str, value: dict[str, Any]) -> None:
    with connected() as client:
        client.post(f"/v2/hubs/{hub}/domains/{name}/{setting}", value)
    click.echo(f"{name}: changed")


COMMANDS = (cert, acme, ip_limit, referer_limit, play_security)
"""What the group `domain` has besides its own."""
