"""Whoever is refused is told a request id, and by it an operator finds out why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from e2e.media import Clip, Publisher, eventually
from e2e.server import Server
from oxbow.client import Client, stream_path

pytestmark = pytest.mark.e2e


def found(api: Client, reqid: str) -> dict[str, Any]:
    """The only record of this id; records are there within about two seconds."""
    items = eventually(lambda: api.get(f"/v2/refusals?reqid={reqid}")["items"], f"a record of {reqid}")
    assert [item["reqid"] for item in items] == [reqid]
    record: dict[str, Any] = items[0]
    return record


def test_a_publishers_refusal_is_found_by_the_id_that_ffmpeg_shows(
    server: Server, api: Client, hub: str, stream: str, clip: Callable[[str], Clip]
) -> None:
    api.post(f"/v2/hubs/{hub}/security", {"publishSecurity": "static", "publishKey": "a-key-of-this-test"})
    with Publisher(clip("h264+aac"), f"{server.rtmp(f'{hub}/{stream}')}?key=wrong") as publisher:
        said = publisher.refusal()
    record = found(api, said.partition("(reqid ")[2].partition(")")[0])
    assert (record["what"], record["protocol"]) == ("publish", "rtmp")
    assert (record["hub"], record["stream"], record["address"]) == (hub, stream, "127.0.0.1")
    assert record["message"] in said


def test_a_viewers_refusal_is_found_by_the_id_in_the_answer(
    server: Server, api: Client, hub: str, stream: str
) -> None:
    api.post(f"/v2/hubs/{hub}/streams", {"key": stream})
    api.post(f"{stream_path(hub, stream)}/disabled", {"disabledTill": -1, "reason": "off for tonight"})
    answer = httpx.get(server.http(f"{hub}/{stream}.flv"), trust_env=False, timeout=10)
    assert answer.status_code == 403
    record = found(api, answer.headers["X-Reqid"])
    assert (record["what"], record["protocol"]) == ("play", "flv")
    assert (record["hub"], record["stream"], record["address"]) == (hub, stream, "127.0.0.1")
    assert "off for tonight" in record["message"]
