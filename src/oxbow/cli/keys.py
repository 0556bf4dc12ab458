"""`oxbow keys`: the key pairs that sign API requests."""

from __future__ import annotations

import click

from oxbow.cli.output import json_option, moment, write_facts, write_json, write_table
from oxbow.cli.vault import on_keys, root_pair
from oxbow.kernel.accounts.models import KeyPair
from oxbow.kernel.settings import KernelSettings, load


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def keys(ctx: click.Context, as_json: bool) -> None:
    """Show the root account's access key and secret key, or manage its key pairs.

    They are read from the database, so this works whether the server runs or not.
    """
    if ctx.invoked_subcommand is None:
        pair = root_pair(load(KernelSettings))
        _write_pair(pair.access_key, pair.secret_key, as_json)


def _write_pair(access_key: str, secret_key: str, as_json: bool) -> None:
    if as_json:
        write_json({"accessKey": access_key, "secretKey": secret_key})
    else:
        write_facts({"access key": access_key, "secret key": secret_key})


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the access keys, without their secrets."""
    pairs = on_keys(lambda service, root: service.keys(root))
    if as_json:
        write_json([_described(pair) for pair in pairs])
        return
    rows = [
        [pair.access_key, "enabled" if pair.enabled else "disabled", moment(pair.created_at), pair.note]
        for pair in pairs
    ]
    write_table(["ACCESS KEY", "STATE", "CREATED", "NOTE"], rows, empty="no key pair")


def _described(pair: KeyPair) -> dict[str, object]:
    return {
        "accessKey": pair.access_key,
        "enabled": pair.enabled,
        "createdAt": pair.created_at,
        "note": pair.note,
    }


@keys.command()
@click.option("--note", default="", help="What the pair is for.")
@json_option
def create(note: str, as_json: bool) -> None:
    """Make a new key pair and show it."""
    pair = on_keys(lambda service, root: service.create_key(root, note))
    _write_pair(pair.access_key, pair.secret_key, as_json)


@keys.command()
@click.argument("access_key")
def disable(access_key: str) -> None:
    """Disable a pair: requests signed with it are refused, within a second."""
    on_keys(lambda service, root: service.set_enabled(root, access_key, False))
    click.echo(f"disabled {access_key}")


@keys.command()
@click.argument("access_key")
def enable(access_key: str) -> None:
    """Enable a disabled pair again."""
    on_keys(lambda service, root: service.set_enabled(root, access_key, True))
    click.echo(f"enabled {access_key}")


@keys.command()
@click.argument("access_key")
@click.confirmation_option(prompt="Delete the key pair for good?")
def delete(access_key: str) -> None:
    """Delete a pair for good."""
    on_keys(lambda service, root: service.delete_key(root, access_key))
    click.echo(f"deleted {access_key}")
