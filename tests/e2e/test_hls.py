"""HLS as its players expect it (RFC 8216): playlists, segments, reconnects, and who counts as a viewer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from e2e.media import Clip, Publisher, eventually
from e2e.server import Server
from oxbow.client import Client, stream_path

pytestmark = pytest.mark.e2e

MakeClip = Callable[[str], Clip]
LiveInfo = Callable[[str], dict[str, Any]]


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=40, follow_redirects=True) as client:
        yield client


def media_playlist(http: httpx.Client, address: str) -> tuple[str, str]:
    """The address and the text of the media playlist, by way of a master playlist if there is one."""
    answer = http.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith(
        ("application/vnd.apple.mpegurl", "application/x-mpegurl")
    )
    if "#EXTINF" in answer.text or "#EXT-X-STREAM-INF" not in answer.text:
        return str(answer.url), answer.text
    variant = next(line for line in answer.text.splitlines() if line and not line.startswith("#"))
    return media_playlist(http, urljoin(str(answer.url), variant))


def number(playlist: str, tag: str) -> int:
    found = re.search(rf"^#{tag}:(\d+)", playlist, re.MULTILINE)
    return int(found[1]) if found else 0


def durations(playlist: str) -> list[float]:
    return [float(text) for text in re.findall(r"^#EXTINF:([\d.]+)", playlist, re.MULTILINE)]


def test_a_playlist_keeps_its_promises(
    server: Server, http: httpx.Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        live_info(stream)
        address, first = media_playlist(http, server.http(f"{hub}/{stream}.m3u8"))
        target = number(first, "EXT-X-TARGETDURATION")
        assert first.startswith("#EXTM3U\n")
        assert "#EXT-X-ENDLIST" not in first
        assert all(round(duration) <= target for duration in durations(first))
        later = eventually(
            lambda: (
                (text := http.get(address).text)
                and number(text, "EXT-X-MEDIA-SEQUENCE") > number(first, "EXT-X-MEDIA-SEQUENCE")
                and text
            ),
            "a later playlist",
            seconds=30,
        )
        assert number(later, "EXT-X-TARGETDURATION") == target
        for line in later.splitlines():
            if line and not line.startswith("#"):
                segment = http.get(urljoin(address, line))
                assert (segment.status_code, segment.content[0], len(segment.content) % 188) == (200, 0x47, 0)
                assert segment.headers["Content-Type"] == "video/mp2t"


def test_a_returning_publisher_is_a_discontinuity(
    server: Server, http: httpx.Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    playlist = server.http(f"{hub}/{stream}.m3u8")
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        live_info(stream)
        address, before = media_playlist(http, playlist)
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        after = eventually(
            lambda: (text := http.get(address).text) and "#EXT-X-DISCONTINUITY\n" in text and text,
            "a discontinuity",
            seconds=30,
        )
        assert number(after, "EXT-X-MEDIA-SEQUENCE") >= number(before, "EXT-X-MEDIA-SEQUENCE")


def test_a_viewer_counts_once_however_often_it_asks(
    server: Server, http: httpx.Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        live_info(stream)
        address, _ = media_playlist(http, server.http(f"{hub}/{stream}.m3u8"))
        for _ in range(5):
            http.get(address)
        eventually(lambda: live_info(stream)["playCount"] == 1, "one viewer")
        with httpx.Client(trust_env=False, timeout=40, follow_redirects=True) as second:
            media_playlist(second, server.http(f"{hub}/{stream}.m3u8"))
            eventually(lambda: live_info(stream)["playCount"] == 2, "two viewers")


def test_a_broadcast_that_ended_ends_its_playlist(
    server: Server,
    api: Client,
    http: httpx.Client,
    hub: str,
    stream: str,
    clip: MakeClip,
    live_info: LiveInfo,
) -> None:
    api.post(f"/v2/hubs/{hub}/publish", {"graceSeconds": 0})
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        live_info(stream)
        address, _ = media_playlist(http, server.http(f"{hub}/{stream}.m3u8"))
    eventually(lambda: not api.get(f"{stream_path(hub, stream)}/live")["startAt"], "the end")
    ended = eventually(
        lambda: (answer := http.get(address)) and over(answer) and answer, "the playlist's end"
    )
    assert ended.status_code in (200, 404)


def over(answer: httpx.Response) -> bool:
    """Whether a player that asks again knows that there is no more to come."""
    return answer.status_code == 404 or "#EXT-X-ENDLIST" in answer.text
