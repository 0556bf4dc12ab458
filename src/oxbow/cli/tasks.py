"""`oxbow task`: long pieces of work, seen and steered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, moment, write_facts, write_json, write_table
from oxbow.client import Client
from oxbow.kernel.tasks.models import TaskState

PAGE = 1000


@click.group()
def task() -> None:
    """List, show, retry and cancel tasks: work that takes time and survives a restart."""


@task.command("list")
@click.option("--kind", help="Only of this kind, such as live.tidy.")
@click.option("--state", type=click.Choice([state.value for state in TaskState]), help="Only in this state.")
@click.option("--subject", help="Only about this: a domain, a hub, a stream.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
@json_option
def list_tasks(as_json: bool, limit: int, **filters: str | None) -> None:
    """List tasks, the newest first."""
    query: dict[str, object] = {name: value for name, value in filters.items() if value is not None}
    with connected() as client:
        items = list(islice(_all(client, query, limit), limit))
    if as_json:
        write_json(items)
    else:
        columns = ["ID", "KIND", "SUBJECT", "STATE", "DONE", "TRIES", "CREATED", "SAYS"]
        write_table(columns, map(_row, items), empty="no task")


@task.command()
@click.argument("id")
@json_option
def show(id: str, as_json: bool) -> None:
    """Show the task ID: how far it is, what it waits for, and what went wrong."""
    with connected() as client:
        item = client.get(f"/v2/tasks/{id}")
    if as_json:
        write_json(item)
    else:
        write_facts(_facts(item))


@task.command()
@click.argument("id")
def retry(id: str) -> None:
    """Try the task ID again; one that waits for its next attempt begins it now."""
    with connected() as client:
        client.post(f"/v2/tasks/{id}/retry", {})
    click.echo(f"task {id} is tried again")


@task.command()
@click.argument("id")
def cancel(id: str) -> None:
    """End the task ID, and undo what it has done where its kind can."""
    with connected() as client:
        item = client.post(f"/v2/tasks/{id}/cancel", {})
    click.echo(f"task {id} is {'being cancelled' if not item['finishedAt'] else 'cancelled'}")


def _all(client: Client, query: dict[str, object], limit: int) -> Iterator[dict[str, Any]]:
    query["limit"] = min(limit, PAGE)
    while True:
        page = client.get("/v2/tasks", query)
        yield from page["items"]
        if not page["marker"]:
            return
        query["marker"] = page["marker"]


def _row(item: dict[str, Any]) -> list[object]:
    return [
        item["id"],
        item["kind"],
        item["subject"] or "-",
        item["state"],
        f"{item['progress']:.0%}",
        f"{item['attempts']}/{item['maxAttempts']}",
        moment(item["createdAt"]),
        _says(item),
    ]


def _says(item: dict[str, Any]) -> str:
    if item["waitsFor"]:
        return f"waits for {item['waitsFor']} since {moment(item['waitingSince'])}"
    return item["error"] or item["note"] or "-"


def _is_being_cancelled(item: dict[str, Any]) -> bool:
    return bool(item["cancelling"]) and not item["finishedAt"]


def _facts(item: dict[str, Any]) -> dict[str, object]:
    """What is the case, one fact a line; what is not is left out."""
    facts: dict[str, object] = {
        "id": item["id"],
        "kind": item["kind"],
        "subject": item["subject"],
        "state": item["state"] + (", being cancelled" if _is_being_cancelled(item) else ""),
        "progress": f"{item['progress']:.0%}",
        "note": item["note"],
        "waits for": item["waitsFor"],
        "attempts": f"{item['attempts']} of {item['maxAttempts']}",
        "last error": item["error"],
        "server": item["server"],
    }
    moments = {
        "waiting since": "waitingSince",
        "deadline": "deadline",
        "next attempt": "nextAttemptAt",
        "created": "createdAt",
        "started": "startedAt",
        "finished": "finishedAt",
    }
    facts |= {name: moment(item[field]) for name, field in moments.items() if item[field]}
    return {name: value for name, value in facts.items() if value}
