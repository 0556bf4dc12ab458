"""`oxbow user`: who acts for the account with keys of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, write_facts, write_json, write_table
from oxbow.client import Client

PAGE = 2000
USERS = "/iam/v1/users"


def user_path(alias: str) -> str:
    """Where a user is found."""
    return f"{USERS}/{quote(alias, safe='')}"


def listed(client: Client, path: str) -> list[dict[str, Any]]:
    """All items of a list of IAM's, page by page."""
    return list(_pages(client, path))


def _pages(client: Client, path: str) -> Iterator[dict[str, Any]]:
    number, seen = 1, 0
    while True:
        data = client.get(path, {"page": number, "page_size": PAGE})["data"]
        yield from data["list"]
        number, seen = number + 1, seen + len(data["list"])
        if not data["list"] or seen >= data["count"]:
            return


@click.group()
def user() -> None:
    """Manage users: their keys sign requests, and may do what policies grant them."""


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the users."""
    with connected() as client:
        items = listed(client, USERS)
    if as_json:
        write_json(items)
    else:
        rows = [[item["alias"], _state(item), item["created_at"]] for item in items]
        write_table(["USER", "STATE", "CREATED"], rows, empty="no user")


@user.command()
@click.argument("alias")
@json_option
def create(alias: str, as_json: bool) -> None:
    """Create the user ALIAS with a key pair, whose secret is shown this once.

    It may do nothing until `oxbow policy attach` grants it something.
    """
    with connected() as client:
        client.post(USERS, {"alias": alias})
        pair = client.post(f"{user_path(alias)}/keypairs", {})["data"]
    _write_pair(pair, as_json)


@user.command()
@click.argument("alias")
@click.confirmation_option(prompt="Delete the user with its keys?")
def delete(alias: str) -> None:
    """Delete a user; its keys sign nothing any more."""
    with connected() as client:
        client.delete(user_path(alias))
    click.echo(f"deleted {alias}")


@user.command()
@click.argument("alias")
def enable(alias: str) -> None:
    """Let a disabled user's keys sign again."""
    _switch(alias, enabled=True)


@user.command()
@click.argument("alias")
def disable(alias: str) -> None:
    """Refuse what a user's keys sign, within a second on all servers."""
    _switch(alias, enabled=False)


def _switch(alias: str, *, enabled: bool) -> None:
    with connected() as client:
        client.patch(user_path(alias), {"enabled": enabled})
    click.echo(f"{'enabled' if enabled else 'disabled'} {alias}")


@user.command()
@click.argument("alias")
@click.option("--new", is_flag=True, help="Make another pair and show it; a user has at most two.")
@click.option("--delete", "gone", metavar="ACCESS_KEY", help="Delete this pair.")
@json_option
def keys(alias: str, new: bool, gone: str | None, as_json: bool) -> None:
    """List a user's key pairs without their secrets, or change them."""
    path = f"{user_path(alias)}/keypairs"
    with connected() as client:
        if gone is not None:
            client.delete(f"{path}/{quote(gone, safe='')}")
            click.echo(f"deleted {gone}")
        if new:
            _write_pair(client.post(path, {})["data"], as_json)
        if gone is None and not new:
            _write_keys(listed(client, path), as_json)


def _write_keys(items: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        write_json(items)
    else:
        rows = [[item["access_key"], _state(item), item["created_at"]] for item in items]
        write_table(["ACCESS KEY", "STATE", "CREATED"], rows, empty="no key pair")


def _write_pair(pair: dict[str, Any], as_json: bool) -> None:
    if as_json:
        write_json({"accessKey": pair["access_key"], "secretKey": pair["secret_key"]})
    else:
        write_facts({"access key": pair["access_key"], "secret key": pair["secret_key"]})


def _state(item: dict[str, Any]) -> str:
    return "enabled" if item["enabled"] else "disabled"
