"""What the command line and the demo ask the API for, in more than one request."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from oxbow.client.transport import Client

PAGE = 1000


@dataclass(frozen=True)
class LiveStream:
    """A stream that is on the air."""

    hub: str
    name: str
    started_at: int
    """Unix seconds."""
    publisher: str
    """`ip:port`."""
    bps: int
    fps: int
    """Pictures a second; 0 without video."""
    viewers: int


def stream_path(hub: str, name: str) -> str:
    """The API path of one stream; its name stands there in url-safe base64 with padding."""
    return f"/v2/hubs/{hub}/streams/{base64.urlsafe_b64encode(name.encode()).decode()}"


def hub_names(client: Client) -> list[str]:
    """The account's hubs."""
    return [item["name"] for item in client.get("/v2/hubs")["items"]]


def all_streams(client: Client, hub: str, *, live_only: bool = False, prefix: str = "") -> Iterator[str]:
    """Names of a hub's streams, page by page to the end."""
    query: dict[str, object] = {"limit": PAGE}
    if live_only:
        query["liveonly"] = "true"
    if prefix:
        query["prefix"] = prefix
    while True:
        page = client.get(f"/v2/hubs/{hub}/streams", query)
        yield from (item["key"] for item in page["items"])
        if not page["marker"]:
            return
        query["marker"] = page["marker"]


def live_streams(client: Client) -> Iterator[LiveStream]:
    """Everything of the account that is on the air now."""
    for hub in hub_names(client):
        for name in all_streams(client, hub, live_only=True):
            info = client.get(f"{stream_path(hub, name)}/live")
            if info["startAt"]:  # It may have ended since the list was made.
                yield LiveStream(
                    hub,
                    name,
                    info["startAt"],
                    info["clientIP"],
                    info["bps"],
                    info["fps"]["video"],
                    info["playCount"],
                )
