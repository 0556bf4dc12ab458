"""`oxbow why` and `oxbow refusals`: why somebody was refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, moment, write_facts, write_json, write_table


@click.command()
@click.argument("reqid")
@json_option
def why(reqid: str, as_json: bool) -> None:
    """Say why the request REQID was refused: a publish, a play or an API call.

    The id is the X-Reqid of an answer, or stands in the description that an RTMP encoder or player shows.
    """
    with connected() as client:
        items = client.get(f"/v2/refusals?{urlencode({'reqid': reqid})}")["items"]
    if as_json:
        write_json(items)
    elif not items:
        raise click.ClickException(
            "no record has this id: it was let in, is too old, or was only counted on the record of another "
            "like it (`oxbow refusals` lists those)"
        )
    else:
        write_facts(facts(items[0]))


@click.command()
@click.option("--hub", default="", help="Only of this hub.")
@click.option("--stream", default="", help="Only of this stream.")
@click.option("--address", default="", help="Only of this client, an IP address.")
@click.option("--rule", default="", help="Only by this rule, such as playSecurity.")
@click.option("--what", type=click.Choice(["publish", "play", "api"]), help="Only refusals of this kind.")
@click.option("--hours", type=click.FloatRange(min=0.01), help="Only of the last so many hours.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@json_option
def refusals(hours: float | None, as_json: bool, **asked: Any) -> None:
    """List who was refused, the latest first: publishers, viewers and API calls."""
    query = {name: value for name, value in asked.items() if value}
    if hours is not None:
        query["from"] = int(time.time() - hours * 3600)
    with connected() as client:
        items = client.get(f"/v2/refusals?{urlencode(query)}")["items"]
    if as_json:
        write_json(items)
    else:
        columns = ["AT", "ID", "WHAT", "WHERE", "CLIENT", "RULE", "REASON", "MORE"]
        write_table(columns, map(row, items), empty="nobody was refused")


def row(item: dict[str, Any]) -> list[object]:
    """One record in a line."""
    where = "/".join(part for part in (item["hub"], item["stream"]) if part) or item["url"]
    times = [moment(int(item["at"])), item["reqid"], item["what"], where, item["address"]]
    return [*times, item["rule"], item["reason"], item["more"] or ""]


def facts(item: dict[str, Any]) -> dict[str, object]:
    """One record in full; what it has nothing to say of is left out."""
    said = {
        "refused": f"{item['what']} at {precise(item['at'])} from {item['address']}",
        "rule": item["rule"],
        "reason": item["reason"],
        "told": item["message"],
        "stream": "/".join(part for part in (item["hub"], item["stream"]) if part),
        "domain": item["domain"],
        "asked for": item["url"],
        "found": item["found"],
        "wanted": item["wanted"],
        "access key": item["accessKey"],
        "more": f"{item['more']:,} like this until {precise(item['until'])}" if item["more"] else "",
    }
    return {name: value for name, value in said.items() if value}


def precise(at: float) -> str:
    """A moment in UTC with milliseconds, as log files have it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}.{int(at % 1 * 1000):03d}Z"
