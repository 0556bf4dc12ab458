"""`oxbow domain`: the host names that serve a hub."""

from __future__ import annotations

from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import json_option, moment, write_facts, write_json, write_table

TYPES = ("publishRtmp", "liveRtmp", "liveHls", "liveHdl")


@click.group()
def domain() -> None:
    """List, show, bind, unbind, check and set the domains of a hub.

    Without any domain a hub answers on the server's own address.
    """


@domain.command("list")
@click.argument("hub")
@json_option
def list_domains(hub: str, as_json: bool) -> None:
    """List the domains of HUB."""
    with connected() as client:
        items = client.get(f"/v2/hubs/{hub}/domains")["domains"]
    if as_json:
        write_json(items)
    else:
        rows = [[item["domain"], item["type"], item["certName"] or "-", item["cname"]] for item in items]
        write_table(
            ["DOMAIN", "TYPE", "CERTIFICATE", "CNAME"],
            rows,
            empty="no domain: the hub answers on the server's own address",
        )


@domain.command()
@click.argument("hub")
@click.argument("name")
@click.argument("kind", metavar="TYPE", type=click.Choice(TYPES))
def bind(hub: str, name: str, kind: str) -> None:
    """Let the domain NAME serve HUB.

    \b
    publishRtmp  publishing over RTMP
    liveRtmp     playing over RTMP
    liveHls      playing over HLS
    liveHdl      playing over HTTP-FLV and WebSocket-FLV
    """
    with connected() as client:
        client.post(f"/v2/hubs/{hub}/newdomains", {"domain": name, "type": kind})
        cname = client.get(f"/v2/hubs/{hub}/domains/{name}")["cname"]
    click.echo(f"bound {name} to hub {hub} for {kind}; its DNS record is to be a CNAME of {cname}")


@domain.command()
@click.argument("hub")
@click.argument("name")
def unbind(hub: str, name: str) -> None:
    """Take the domain NAME away from HUB."""
    with connected() as client:
        client.delete(f"/v2/hubs/{hub}/domains/{name}")
    click.echo(f"unbound {name} from hub {hub}")


@domain.command()
@click.argument("hub")
@click.argument("name")
@json_option
def show(hub: str, name: str, as_json: bool) -> None:
    """Show the domain NAME of HUB: its settings, its certificate, and what its DNS record was found to be."""
    with connected() as client:
        info = client.get(f"/v2/hubs/{hub}/domains/{name}")
        record = client.get(f"/v2/hubs/{hub}/domains/{name}/cname")
    if as_json:
        write_json({**info, "record": record})
    else:
        write_facts(_facts(info) | _record(record))


@domain.command()
@click.argument("hub")
@click.argument("name")
@json_option
def check(hub: str, name: str, as_json: bool) -> None:
    """Look at the DNS record of the domain NAME of HUB now. The exit code is 1 if it does not lead here."""
    with connected() as client:
        record = client.post(f"/v2/hubs/{hub}/domains/{name}/cname", {})
    if as_json:
        write_json(record)
    else:
        write_facts(_record(record))
    if not record["right"]:
        raise SystemExit(1)


@domain.command()
@click.argument("hub")
@click.argument("name")
def disable(hub: str, name: str) -> None:
    """Let nobody use the domain NAME of HUB, and cut off who does."""
    with connected() as client:
        client.post(f"/v2/hubs/{hub}/domains/{name}/disable", {})
    click.echo(f"disabled {name}")


@domain.command()
@click.argument("hub")
@click.argument("name")
def enable(hub: str, name: str) -> None:
    """Let the disabled domain NAME of HUB be used again."""
    with connected() as client:
        client.post(f"/v2/hubs/{hub}/domains/{name}/enable", {})
    click.echo(f"enabled {name}")


def _facts(info: dict[str, Any]) -> dict[str, object]:
    lists = {name: info[name] for name in ("ipLimit", "refererLimit")}
    active = [
        name for name, value in lists.items() if any(each for each in value.values() if each is not True)
    ]
    return {
        "domain": info["domain"],
        "type": info["type"],
        "state": "disabled" if info["disable"] else "enabled",
        "signed addresses": info["playSecurity"]["type"] or "as the hub asks for",
        "limits": ", ".join(active) or "none",
        "certificate": _certificate(info),
    }


def _certificate(info: dict[str, Any]) -> str:
    certificate = info["certificate"]
    if certificate is None:
        return "none"
    left = f"{certificate['state']}, {certificate['daysLeft']} days left"
    until = moment(certificate["notAfter"])
    return f"{info['certName']} ({certificate['source']}): {left}, until {until}"


def _record(record: dict[str, Any]) -> dict[str, object]:
    return {
        "expected CNAME": record["expected"],
        "found": ", ".join([*record["found"], *record["addresses"]]) or "-",
        "DNS record": "leads here" if record["right"] else record["problem"],
        "looked at": f"{moment(record['checkedAt'])}, asked {record['resolver']}",
    }
