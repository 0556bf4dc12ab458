"""Publish security as hubs and streams have it."""

from __future__ import annotations

import secrets

import click

from oxbow.cli.connection import connected

SECURITIES = ("none", "static", "expiry", "expiry_sk", "dynamic")
KEYED_SECURITIES = {"static", "expiry", "dynamic"}

key_option = click.option("--key", help="The publish key for static, expiry and dynamic.")


def set_security(path: str, mode: str, key: str | None) -> None:
    """Set the publish security of the hub or stream at `path`, with a key that is shown if it is new."""
    made_up = key is None and mode in KEYED_SECURITIES
    publish_key = key or (secrets.token_hex(16) if made_up else "")
    with connected() as client:
        client.post(f"{path}/security", {"publishSecurity": mode, "publishKey": publish_key})
    if made_up:
        click.echo(f"publish key: {publish_key}")
