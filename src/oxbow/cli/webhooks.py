"""`oxbow webhook`: the callbacks that were sent, and what was answered."""

from __future__ import annotations

from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, moment, write_facts, write_json, write_table

STATES = ("waiting", "delivered", "failed", "cancelled")


@click.group()
def webhook() -> None:
    """List, show and repeat the callbacks that the server sent."""


@webhook.command("list")
@click.option("--event", help="Only these, such as live.connect.")
@click.option("--subject", help="Only what is about this, such as live/stream1.")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@json_option
def list_deliveries(as_json: bool, **filters: Any) -> None:
    """List callbacks, the newest first."""
    with connected() as client:
        query = {name: value for name, value in filters.items() if value is not None}
        items = client.get("/v2/webhooks/deliveries", query)["items"]
    if as_json:
        write_json(items)
    else:
        columns = ["ID", "TIME", "EVENT", "SUBJECT", "STATE", "TRIES", "STATUS", "ERROR"]
        write_table(columns, map(_row, items), empty="no callback was sent")


def _row(item: dict[str, Any]) -> list[object]:
    names = ("event", "subject", "state", "attempts", "status", "error")
    return [item["id"], moment(item["createdAt"]), *(item[name] or "-" for name in names)]


@webhook.command()
@click.argument("id")
@json_option
def show(id: str, as_json: bool) -> None:
    """Show what was sent, and what was answered."""
    with connected() as client:
        delivery = client.get(f"/v2/webhooks/deliveries/{id}")
    if as_json:
        write_json(delivery)
        return
    times = {name: moment(delivery[name]) for name in ("createdAt", "nextAttemptAt", "finishedAt")}
    variables = " ".join(f"{name}={value!r}" for name, value in delivery["vars"].items())
    write_facts(delivery | times | {"vars": variables, "answer": repr(delivery["answer"])})


@webhook.command()
@click.argument("id")
def replay(id: str) -> None:
    """Send a callback once more, as a new one."""
    with connected() as client:
        again = client.post(f"/v2/webhooks/deliveries/{id}/replay", {})
    click.echo(f"sent again as {again['id']}; `oxbow webhook show {again['id']}` tells what became of it")
