"""Two servers on one PostgreSQL: one publisher a stream, one list of what is live, one word about bans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from e2e.media import Clip, Publisher, eventually
from e2e.server import Server
from oxbow.client import Client, stream_path

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

MakeClip = Callable[[str], Clip]


@pytest.fixture
def two(new_server: Callable[..., Server], postgres_url: str) -> Iterator[list[tuple[Server, Client]]]:
    with ExitStack() as stack:
        servers = [
            new_server(name, database_url=postgres_url, media_workers=1, object_workers=1)
            for name in ("one", "two")
        ]
        for server in servers:
            stack.enter_context(server)
        yield [(server, stack.enter_context(server.client())) for server in servers]


def test_a_stream_has_one_publisher_and_everybody_knows_it(
    two: list[tuple[Server, Client]], clip: MakeClip
) -> None:
    (here, api), (there, others_api) = two
    path = stream_path("live", "shared")
    address = there.rtmp("live/shared")
    with Publisher(clip("h264+aac"), address) as first:
        listed = eventually(
            lambda: api.get("/v2/hubs/live/streams", {"liveonly": "true"})["items"], "the other's stream"
        )
        assert [item["key"] for item in listed] == ["shared"]
        live = eventually(
            lambda: (info := api.get(f"{path}/live"))["bps"] and info, "its figures on the other server"
        )
        assert live["serverIP"] == f"127.0.0.1:{there.rtmp_port}"
        publish = {"url": here.rtmp("live/shared"), "action": "publish"}
        assert api.post("/v2/hubs/live/explain", publish)["reason"] == "already_publishing"
        with Publisher(clip("h264+aac"), here.rtmp("live/shared")) as second:
            assert "already_publishing" in second.refusal()

        api.post("/v2/hubs/live/publish", {"secondPublisher": "takeover"})
        takes = {"url": there.rtmp("live/shared"), "action": "publish"}
        eventually(lambda: others_api.post("/v2/hubs/live/explain", takes)["allowed"], "the rule to be known")
        with Publisher(clip("h264+aac"), here.rtmp("live/shared")) as third:
            assert "taken_over" in first.refusal()
            moved = eventually(
                lambda: (info := others_api.get(f"{path}/live"))["bps"] and info, "the figures of the new one"
            )
            assert moved["serverIP"] == f"127.0.0.1:{here.rtmp_port}"

            others_api.post(f"{path}/disabled", {"disabledTill": -1, "reason": "off for tonight"})
            assert "off for tonight" in third.refusal()
