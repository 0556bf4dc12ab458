"""`oxbow stream`: the streams of a hub."""

from __future__ import annotations

import time
from typing import Any

import click

from oxbow.cli.connection import connected
from oxbow.cli.output import bit_rate, json_option, moment, write_facts, write_json, write_table
from oxbow.cli.security import SECURITIES, key_option, set_security
from oxbow.client import all_streams, stream_path


@click.group()
def stream() -> None:
    """Create, list, show, disable, enable and delete the streams of a hub.

    A stream need not be created before it is published, unless its hub is set so.
    """


@stream.command()
@click.argument("hub")
@click.argument("name")
def create(hub: str, name: str) -> None:
    """Create the stream NAME (4 to 200 letters, digits, - and _) in HUB."""
    with connected() as client:
        client.post(f"/v2/hubs/{hub}/streams", {"key": name})
    click.echo(f"created stream {hub}/{name}")


@stream.command("list")
@click.argument("hub")
@click.option("--live", is_flag=True, help="Only those that are live now.")
@click.option("--prefix", default="", help="Only names that begin so.")
@json_option
def list_streams(hub: str, live: bool, prefix: str, as_json: bool) -> None:
    """List the streams of HUB."""
    with connected() as client:
        names = list(all_streams(client, hub, live_only=live, prefix=prefix))
    if as_json:
        write_json(names)
    else:
        write_table(["STREAM"], [[name] for name in names], empty="no stream")


@stream.command()
@click.argument("hub")
@click.argument("name")
@json_option
def show(hub: str, name: str, as_json: bool) -> None:
    """Show a stream's settings, whether it is live, and its last broadcasts."""
    path = stream_path(hub, name)
    with connected() as client:
        info = client.get(path)
        live = client.get(f"{path}/live")
        details = client.get(f"{path}/details")
        history = client.get(f"{path}/historyactivity")["items"]
    if as_json:
        write_json({"info": info, "live": live, "details": details, "history": history})
        return
    write_facts(
        {
            "stream": f"{hub}/{name}",
            "created": moment(info["createdAt"]),
            "publish security": info["publishSecurity"] or "as the hub",
            "disabled": disabled_words(info["disabledTill"], info.get("disabledReason", "")),
            "live": live_words(live),
            **media_facts(details["media"]),
        }
    )
    click.echo()
    if details["audience"]:
        titles = ["DOMAIN", "PROTOCOL", "AREA", "OPERATOR", "VIEWERS", "BIT/S"]
        write_table(titles, map(audience_row, details["audience"]), empty="nobody watches")
        click.echo()
    write_table(["BEGAN", "ENDED", "PUBLISHER"], map(history_row, history), empty="never published")


def disabled_words(till: int, reason: str) -> str:
    """What `disabledTill` means, and why."""
    if 0 <= till <= time.time():
        return "no"
    return f"yes, until {'it is enabled' if till < 0 else moment(till)}" + (f": {reason}" if reason else "")


def live_words(live: dict[str, Any]) -> str:
    """One line about a broadcast."""
    if not live["startAt"]:
        return "no"
    return (
        f"since {moment(live['startAt'])} from {live['clientIP']}, {live['bps']} bit/s, "
        f"{live['fps']['video']} pictures/s, {live['playCount']} viewers"
    )


def media_facts(media: dict[str, Any] | None) -> dict[str, str]:
    """What a live stream is made of."""
    return {"picture": picture_words(media), "sound": sound_words(media)} if media else {}


def picture_words(media: dict[str, Any]) -> str:
    """One line about the picture."""
    if not media["videoCodec"]:
        return "none"
    name = " ".join(filter(None, [media["videoCodec"], media["videoProfile"], media["videoLevel"]]))
    return f"{name}, {media['width']}x{media['height']}, {media['videoFrameRate']:g} pictures/s"


def sound_words(media: dict[str, Any]) -> str:
    """One line about the sound."""
    if not media["audioCodec"]:
        return "none"
    name = " ".join(filter(None, [media["audioCodec"], media["audioProfile"]]))
    return f"{name}, {media['audioSampleRate']} Hz, {media['audioChannel']} channels"


def audience_row(item: dict[str, Any]) -> list[str]:
    """Viewers who came on one way."""
    way = [item["domain"], item["protocol"], item["area"], item["isp"]]
    return [*(part or "-" for part in way), str(item["playCount"]), str(item["bandwidth"])]


def history_row(item: dict[str, Any]) -> list[str]:
    """One past or present broadcast."""
    return [moment(item["start"]), moment(item["end"]), item["clientIP"]]


@stream.command()
@click.argument("hub")
@click.argument("name")
@click.option("--minutes", type=click.IntRange(1, 1440), default=60, show_default=True, help="How far back.")
@json_option
def stats(hub: str, name: str, minutes: int, as_json: bool) -> None:
    """Show the stream NAME of HUB minute by minute: rates, picture, sound and viewers."""
    start = int(time.time()) - minutes * 60
    with connected() as client:
        items = client.get(f"{stream_path(hub, name)}/stats?start={start}")["items"]
    if as_json:
        write_json(items)
        return
    columns = ["MINUTE", "RATE", "PICTURES/S", "PICTURE", "SOUND", "VIEWERS", "TO VIEWERS"]
    write_table(columns, map(minute_row, items), empty="not published in this time")


def minute_row(item: dict[str, Any]) -> list[object]:
    """One minute of a stream."""
    stats = item["stats"]
    return [
        moment(item["time"]),
        bit_rate(stats["bps"]),
        stats["videoFps"],
        f"{stats['videoCodec']} {stats['width']}x{stats['height']}" if stats["videoCodec"] else "-",
        f"{stats['audioCodec']} {stats['audioSampleRate']} Hz" if stats["audioCodec"] else "-",
        stats["playCount"],
        bit_rate(stats["bandwidth"]),
    ]


@stream.command()
@click.argument("hub")
@click.argument("name")
@click.argument("mode", metavar="MODE", type=click.Choice(["hub", *SECURITIES]))
@key_option
def security(hub: str, name: str, mode: str, key: str | None) -> None:
    """Say how the publisher of one stream proves that it may; `hub` leaves that to the stream's hub.

    The other modes are those of `oxbow hub security`. A publish key that is not given is made up and shown.
    """
    set_security(stream_path(hub, name), "" if mode == "hub" else mode, key)
    click.echo(f"stream {hub}/{name}: publish security is {'as the hub' if mode == 'hub' else mode}")


@stream.command()
@click.argument("hub")
@click.argument("name")
@click.confirmation_option(prompt="Delete the stream and its history?")
def delete(hub: str, name: str) -> None:
    """Delete the stream NAME of HUB; a live one is cut."""
    with connected() as client:
        client.delete(stream_path(hub, name))
    click.echo(f"deleted stream {hub}/{name}")


@stream.command()
@click.argument("hub")
@click.argument("name")
@click.option("--seconds", type=click.IntRange(min=1), help="For how long; without it until `enable`.")
@click.option("--reason", default="", help="What publishers and viewers are told.")
def disable(hub: str, name: str, seconds: int | None, reason: str) -> None:
    """Forbid publishing the stream NAME of HUB; a live one is cut."""
    till = -1 if seconds is None else int(time.time()) + seconds
    with connected() as client:
        client.post(f"{stream_path(hub, name)}/disabled", {"disabledTill": till, "reason": reason})
    click.echo(f"disabled stream {hub}/{name}")


@stream.command()
@click.argument("hub")
@click.argument("name")
def enable(hub: str, name: str) -> None:
    """Allow publishing the stream NAME of HUB again."""
    with connected() as client:
        client.post(f"{stream_path(hub, name)}/disabled", {"disabledTill": 0})
    click.echo(f"enabled stream {hub}/{name}")
