"""`oxbow policy` and `oxbow may`: what users were granted."""

from __future__ import annotations

import json
from typing import Any, TextIO
from urllib.parse import quote

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, write_json, write_table
from oxbow.cli.users import listed, user_path

POLICIES = "/iam/v1/policies"
Rules = tuple[tuple[str, str], ...]


def _path(alias: str) -> str:
    return f"{POLICIES}/{quote(alias, safe='')}"


@click.group()
def policy() -> None:
    """Manage policies: statements of what may be done to which hubs and buckets."""


@policy.command("list")
@json_option
def list_policies(as_json: bool) -> None:
    """List the policies."""
    with connected() as client:
        items = listed(client, POLICIES)
    if as_json:
        write_json(items)
    else:
        rows = [[item["alias"], len(item["statement"]), item["description"]] for item in items]
        write_table(["POLICY", "STATEMENTS", "DESCRIPTION"], rows, empty="no policy")


@policy.command()
@click.argument("alias")
@json_option
def show(alias: str, as_json: bool) -> None:
    """Show what a policy says."""
    with connected() as client:
        item = client.get(_path(alias))["data"]
    if as_json:
        write_json(item)
    else:
        rows = [
            [one["effect"], " ".join(one["action"]), " ".join(one["resource"])] for one in item["statement"]
        ]
        write_table(["EFFECT", "ACTIONS", "RESOURCES"], rows, empty="it says nothing")


@policy.command()
@click.argument("alias")
@click.option("--allow", type=(str, str), multiple=True, metavar="ACTION RESOURCE", help="May be repeated.")
@click.option("--deny", type=(str, str), multiple=True, metavar="ACTION RESOURCE", help="May be repeated.")
@click.option("--file", "written", type=click.File(), help="A JSON list of statements; - for stdin.")
@click.option("--description", default="", help="What it is for.")
def create(alias: str, allow: Rules, deny: Rules, written: TextIO | None, description: str) -> None:
    """Create the policy ALIAS.

    For example: oxbow policy create watch --allow "pili/Get*" "qrn:pili:::live"
    """
    statements = [*_statements("Allow", allow), *_statements("Deny", deny), *_read(written)]
    if not statements:
        raise click.UsageError("say what it allows or denies: --allow, --deny or --file")
    body = {"alias": alias, "description": description, "statement": statements}
    with connected() as client:
        client.post(POLICIES, body)
    click.echo(f"created {alias}")


def _statements(effect: str, rules: Rules) -> list[dict[str, Any]]:
    return [{"effect": effect, "action": [action], "resource": [resource]} for action, resource in rules]


def _read(written: TextIO | None) -> list[Any]:
    if written is None:
        return []
    try:
        found = json.load(written)
    except ValueError as error:
        raise click.UsageError(f"--file: it is no JSON: {error}") from None
    if not isinstance(found, list):
        raise click.UsageError("--file: it takes a list of statements")
    return found


@policy.command()
@click.argument("alias")
@click.confirmation_option(prompt="Delete the policy, and take it from whom it was granted to?")
def delete(alias: str) -> None:
    """Delete a policy, and take it from whom it was granted to."""
    with connected() as client:
        client.delete(_path(alias))
    click.echo(f"deleted {alias}")


@policy.command()
@click.argument("alias")
@click.argument("user")
def attach(alias: str, user: str) -> None:
    """Grant USER what the policy ALIAS says."""
    with connected() as client:
        client.patch(f"{user_path(user)}/policies", {"policy_aliases": [alias]})
    click.echo(f"{user} has {alias}")


@policy.command()
@click.argument("alias")
@click.argument("user")
def detach(alias: str, user: str) -> None:
    """Take the policy ALIAS from USER."""
    with connected() as client:
        client.delete(f"{user_path(user)}/policies", {"policy_aliases": [alias]})
    click.echo(f"{user} has {alias} no more")


@click.command()
@click.argument("user")
@click.argument("action")
@click.argument("resource", default="*")
@json_option
def may(user: str, action: str, resource: str, as_json: bool) -> None:
    """Say whether USER may do ACTION to RESOURCE (all without it), and which statement decides."""
    with connected() as client:
        answer = client.post("/iam/v1/explain", {"user": user, "action": action, "resource": resource})
    if as_json:
        write_json(answer)
    else:
        click.echo(f"{'yes' if answer['allowed'] else 'no'}: {_why(answer)}")


def _why(answer: dict[str, Any]) -> str:
    what = f"{answer['action']} on {answer['resource']}"
    match answer["reason"]:
        case "user_disabled":
            return "the user is disabled"
        case "not_granted":
            return f"no statement allows {what}"
        case reason:
            return f"{what} is {reason} by statement {answer['number']} of the policy {answer['policy']}"
