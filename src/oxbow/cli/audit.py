"""`oxbow audit`: who changed what."""

from __future__ import annotations

import json
from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, moment, write_json, write_table


@click.command()
@click.option("--subject", help="What was changed, such as hub/live; hub/live* for all that is in it, too.")
@click.option("--action", help="What was asked for; it may end in *.")
@click.option("--actor", help="Who did it: an account, account/user, or system:*.")
@click.option("--reqid", help="The X-Reqid of the answer to the request that did it.")
@click.option("--from", "since", type=int, metavar="TIME", help="Not before this moment, in Unix seconds.")
@click.option("--to", "until", type=int, metavar="TIME", help="Not after this moment, in Unix seconds.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@json_option
def audit(as_json: bool, since: int | None, until: int | None, **filters: Any) -> None:
    """Show who changed what, when and from where, the newest first."""
    given = {"from": since, "to": until, **filters}
    with connected() as client:
        query = {name: value for name, value in given.items() if value is not None}
        items = client.get("/v2/audit", query)["items"]
    if as_json:
        write_json(items)
    else:
        columns = ["TIME", "WHO", "FROM", "SUBJECT", "CHANGE"]
        write_table(columns, map(_row, items), empty="no change was recorded")


def _row(item: dict[str, Any]) -> list[object]:
    return [
        moment(int(item["at"])),
        item["actor"],
        item["clientIP"] or "-",
        item["subject"],
        _change(item["before"], item["after"]),
    ]


def _change(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    """`created`, `deleted`, or each field with its value before and after."""
    if before is None:
        return "created"
    if after is None:
        return "deleted"
    names = sorted({*before, *after})
    return ", ".join(f"{name}: {_value(before.get(name))} -> {_value(after.get(name))}" for name in names)


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)
