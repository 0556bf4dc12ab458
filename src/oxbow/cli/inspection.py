"""`oxbow status` and `oxbow doctor`: how the server is, and whether it can be at all."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import bit_rate, json_option, moment, write_facts, write_json, write_table
from oxbow.cli.vault import NoKeysError, root_pair
from oxbow.client import Client, LiveStream, RefusedError, base_url, hub_names, live_streams
from oxbow.doctor import Finding, State, examine
from oxbow.kernel.settings import KernelSettings

COLOURS = {State.OK: "green", State.NOTE: "yellow", State.BROKEN: "red"}


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show the running server, its workers and hubs, and what is live."""
    with connected() as client:
        server = {"api": client.url, "ready": readiness(client), **client.get("/v2/server")}
        hubs = hub_names(client)
        live = list(live_streams(client))
    if as_json:
        write_json({"server": server, "hubs": hubs, "live": [asdict(stream) for stream in live]})
        return
    write_facts(server_facts(server, hubs))
    click.echo()
    columns = ["STREAM", "SINCE", "PUBLISHER", "RATE", "PICTURES/S", "VIEWERS"]
    write_table(columns, map(live_row, live), empty="nothing is live")


def server_facts(server: dict[str, Any], hubs: list[str]) -> dict[str, object]:
    """The server as `oxbow status` describes it."""
    viewers = server["viewers"]
    by_protocol = ", ".join(f"{count} {protocol}" for protocol, count in viewers.items() if count)
    workers = server["workers"]
    return {
        "server": f"Oxbow {server['version']}, API at {server['api']}",
        "ready": server["ready"],
        "workers": ", ".join(f"{worker['index']} (process {worker['pid']})" for worker in workers) or "none",
        "hubs": ", ".join(hubs) or "none; `oxbow hub create NAME` makes one",
        "viewers": f"{sum(viewers.values())} ({by_protocol})" if by_protocol else "0",
        "sent": f"{server['sentBytes'] / 1e6:.1f} MB to viewers since the start",
        "lost": f"{server['skippedBytes'] / 1e6:.1f} MB skipped, {server['droppedViewers']} viewers dropped "
        "because they were too slow",
    }


def readiness(client: Client) -> str:
    """`yes`, or what the server waits for."""
    try:
        client.get("/readyz")
    except RefusedError as refusal:
        return str(refusal)
    return "yes"


def live_row(stream: LiveStream) -> list[object]:
    """One broadcast in the table of `oxbow status`."""
    return [
        f"{stream.hub}/{stream.name}",
        moment(stream.started_at),
        stream.publisher,
        bit_rate(stream.bps),
        stream.fps,
        stream.viewers,
    ]


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is missing or misconfigured, and how to mend it.

    Exit code 1 if something is broken. Nothing is changed.
    """
    findings = examine(connect)
    if as_json:
        write_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            write_finding(finding)
    sys.exit(any(finding.state is State.BROKEN for finding in findings))


def connect(settings: KernelSettings) -> Client | None:
    """A client of the server of these settings; None while there are no keys to sign with."""
    try:
        return Client(base_url(settings.api_listen), *root_pair(settings))
    except NoKeysError:
        return None


def write_finding(finding: Finding) -> None:
    """One line, and one for the remedy."""
    click.echo(
        f"{click.style(finding.state.ljust(6), fg=COLOURS[finding.state])}  {finding.name}: {finding.detail}"
    )
    if finding.remedy:
        click.echo(f"        {finding.remedy}")
