"""`oxbow usage`: how much publishers sent and viewers were sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, write_json, write_table
from oxbow.kernel.settings import KernelSettings, load

DAYS = 7


@click.command()
@click.option("--begin", metavar="TIME", help="20060102 or 20060102150405; six days ago without it.")
@click.option("--end", metavar="TIME", help="The same, and not part of the period; now without it.")
@click.option("--step", type=click.Choice(["5min", "hour", "day", "month"]), default="day", show_default=True)
@click.option("--by", type=click.Choice(["hub", "domain", "area"]), help="Divide the figures.")
@click.option("--hub", "hubs", multiple=True, metavar="HUB", help="Only of this hub; !HUB leaves one out.")
@json_option
def usage(
    begin: str | None, end: str | None, step: str, by: str | None, hubs: tuple[str, ...], as_json: bool
) -> None:
    """Show how many bytes publishers sent and viewers were sent.

    Times are those of OXBOW_TIME_ZONE.
    """
    asked = [("begin", begin or _six_days_ago()), ("end", end or ""), ("g", step), ("group", by or "")]
    query = urlencode([*asked, ("select", "flow"), *(("$hub", hub) for hub in hubs)])
    with connected() as client:
        found = {way: client.get(f"/statd/{way}?{query}") for way in ("upflow", "downflow")}
    if as_json:
        write_json(found)
        return
    rows = list(zip(found["upflow"], found["downflow"], strict=True))
    if by is None:
        write_table(["TIME", "RECEIVED", "SENT"], [_plain(*row) for row in rows], empty="nothing")
    else:
        divided = [line for row in rows for line in _grouped(*row)]
        write_table(["TIME", by.upper(), "RECEIVED", "SENT"], divided, empty="nothing was used")


def _six_days_ago() -> str:
    today = datetime.now(ZoneInfo(load(KernelSettings).time_zone))
    return (today - timedelta(days=DAYS - 1)).strftime("%Y%m%d")


def _plain(up: dict[str, Any], down: dict[str, Any]) -> list[object]:
    return [_time(up), up["values"]["flow"], down["values"]["flow"]]


def _grouped(up: dict[str, Any], down: dict[str, Any]) -> list[list[object]]:
    """A line for each group that was used in that step."""
    lines: list[list[object]] = []
    for group in sorted(up["values"].keys() | down["values"].keys()):
        received, sent = (way["values"].get(group, {"flow": 0})["flow"] for way in (up, down))
        if received or sent:
            lines.append([_time(up), group or "-", received, sent])
    return lines


def _time(row: dict[str, Any]) -> str:
    return str(row["time"])[:16].replace("T", " ")
