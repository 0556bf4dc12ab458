"""ffmpeg publishes and ffmpeg plays, over every protocol, and what arrives is what was sent."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.media import (
    FFMPEG,
    PLAY_SECONDS,
    QUIET,
    RATE,
    Clip,
    Publisher,
    eventually,
    hashes,
    is_run_of,
)
from e2e.server import Server
from e2e.websocket import read_websocket
from oxbow.client import Client, stream_path

pytestmark = pytest.mark.e2e

PICTURES = 3 * RATE
SOUNDS = 100
REORDERED = 4
# In MPEG-TS every AAC frame carries a header of its own, which a clip's frames do not have.
FROM_TS = ("-bsf:a", "aac_adtstoasc")

MakeClip = Callable[[str], Clip]
LiveInfo = Callable[[str], dict[str, Any]]


def play_address(server: Server, protocol: str, path: str) -> str:
    return {
        "rtmp": server.rtmp(path),
        "flv": server.http(f"{path}.flv"),
        "hls": server.http(f"{path}.m3u8"),
    }[protocol]


@pytest.mark.parametrize("protocol", ["rtmp", "flv", "hls"])
def test_pictures_and_sounds_arrive_unchanged(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo, protocol: str
) -> None:
    source, path = clip("h264+aac"), f"{hub}/{stream}"
    address = play_address(server, protocol, path)
    with Publisher(source, server.rtmp(path)):
        live_info(stream)
        assert is_run_of(hashes(address, "v", PICTURES), source.pictures)
        sounds = hashes(address, "a", SOUNDS, FROM_TS if protocol == "hls" else ())
        assert is_run_of(sounds, source.sounds)


@pytest.mark.parametrize("protocol", ["rtmp", "flv", "hls"])
def test_audio_alone_is_a_broadcast(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo, protocol: str
) -> None:
    source, path = clip("aac"), f"{hub}/{stream}"
    with Publisher(source, server.rtmp(path)):
        assert live_info(stream)["fps"]["video"] == 0
        address = play_address(server, protocol, path)
        sounds = hashes(address, "a", SOUNDS, FROM_TS if protocol == "hls" else ())
        assert is_run_of(sounds, source.sounds)


@pytest.mark.parametrize("protocol", ["rtmp", "flv", "hls"])
def test_video_alone_is_a_broadcast(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo, protocol: str
) -> None:
    source, path = clip("h264"), f"{hub}/{stream}"
    with Publisher(source, server.rtmp(path)):
        assert live_info(stream)["fps"]["audio"] == 0
        assert is_run_of(hashes(play_address(server, protocol, path), "v", PICTURES), source.pictures)


@pytest.mark.parametrize("content", ["hevc+aac", "av1+opus"])
@pytest.mark.parametrize("protocol", ["rtmp", "flv"])
def test_enhanced_rtmp_passes_through(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo, content: str, protocol: str
) -> None:
    source, path = clip(content), f"{hub}/{stream}"
    with Publisher(source, server.rtmp(path)):
        live_info(stream)
        address = play_address(server, protocol, path)
        assert is_run_of(hashes(address, "v", PICTURES), source.pictures)
        assert is_run_of(hashes(address, "a", SOUNDS), source.sounds)


def test_hevc_plays_over_hls(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    source, path = clip("hevc+aac"), f"{hub}/{stream}"
    with Publisher(source, server.rtmp(path)):
        live_info(stream)
        assert is_run_of(hashes(server.http(f"{path}.m3u8"), "v", PICTURES), source.pictures)


def test_websocket_flv_is_the_same_flv(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo, tmp_path: Any
) -> None:
    source, path = clip("h264+aac"), f"{hub}/{stream}"
    with Publisher(source, server.rtmp(path)):
        live_info(stream)
        received = read_websocket("127.0.0.1", server.media_port, f"/{path}.flv", 300_000)
    assert received.startswith(b"FLV\x01")
    (tmp_path / "received.flv").write_bytes(received)
    assert is_run_of(hashes(str(tmp_path / "received.flv"), "v", PICTURES), source.pictures)


@pytest.mark.parametrize("protocol", ["rtmp", "flv"])
def test_who_plays_before_anybody_publishes_waits(
    server: Server, hub: str, stream: str, clip: MakeClip, protocol: str
) -> None:
    source, path = clip("h264+aac"), f"{hub}/{stream}"
    player = start_player(play_address(server, protocol, path))
    with Publisher(source, server.rtmp(path)):
        # Who waited sees the broadcast from its first picture on.
        assert pictures_of(player)[:PICTURES] == source.pictures[:PICTURES]


@pytest.mark.parametrize("protocol", ["rtmp", "flv"])
def test_a_publisher_that_returns_goes_on_in_the_same_connection(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo, protocol: str
) -> None:
    source, path = clip("h264+aac"), f"{hub}/{stream}"
    with Publisher(source, server.rtmp(path)):
        live_info(stream)
        player = start_player(play_address(server, protocol, path), pictures=8 * RATE)
        eventually(lambda: live_info(stream)["playCount"] == 1, "one viewer")
        time.sleep(2)  # Something to watch before the break; how much does not matter.
    with Publisher(source, server.rtmp(path)):
        seen = pictures_of(player)
    assert len(seen) == 8 * RATE
    again = len(seen) - 1 - seen[::-1].index(source.pictures[0])
    # At the break the pictures between the last two references may be missing.
    assert is_run_of(seen[: again - REORDERED], source.pictures)
    assert is_run_of(seen[again:], source.pictures)


def start_player(address: str, pictures: int = PICTURES) -> subprocess.Popen[str]:
    """An ffmpeg that hashes what it sees."""
    output = ["-map", "0:v", "-fps_mode", "passthrough", "-frames:v", str(pictures), "-f", "framemd5", "-"]
    return subprocess.Popen(
        [FFMPEG, *QUIET, "-i", address, *output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def pictures_of(player: subprocess.Popen[str]) -> list[str]:
    """Wait for the player's end and return the MD5 of each picture."""
    try:
        told, complaints = player.communicate(timeout=PLAY_SECONDS)
    except subprocess.TimeoutExpired:
        player.kill()
        raise
    seen = [line.split(",")[5].strip() for line in told.splitlines() if not line.startswith("#")]
    assert seen, complaints
    return seen


def test_the_figures_of_a_broadcast_are_true(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    source, path = clip("h264+aac"), f"{hub}/{stream}"
    bps = source.path.stat().st_size * 8 / 20
    with Publisher(source, server.rtmp(path)):
        player = start_player(server.http(f"{path}.flv"), pictures=12 * RATE)
        info = eventually(
            lambda: (
                (info := live_info(stream))["playCount"] == 1
                and info["avgGop"] > 0
                and info["fps"]["video"] > RATE / 2  # the first second that is counted may be a short one
                and info
            ),
            "figures",
        )
        player.kill()
    assert info["clientIP"].startswith("127.0.0.1:")
    assert info["serverIP"] == f"127.0.0.1:{server.rtmp_port}"
    assert abs(info["startAt"] - time.time()) < 30
    assert info["avgGop"] == pytest.approx(1000, rel=0.1)
    assert info["maxGop"] == pytest.approx(1000, rel=0.1)
    assert info["fps"]["video"] == pytest.approx(RATE, rel=0.3)
    assert info["bps"] == pytest.approx(bps, rel=0.5)
    assert info["bps"] == pytest.approx(info["videoBitRate"] + info["audioBitRate"], rel=0.1)


def test_the_history_tells_every_broadcast(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    path = stream_path(hub, stream)
    for count in (1, 2):
        with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
            live_info(stream)
        eventually(lambda: api.get(f"{path}/live")["startAt"] == 0, "the end of the broadcast")
        items = api.get(f"{path}/historyactivity")["items"]
        assert len(items) == count
    assert all(item["start"] <= item["end"] for item in items)
    assert all(item["clientIP"].startswith("127.0.0.1:") for item in items)


def test_a_live_stream_can_be_cut_and_stays_out_until_it_is_enabled(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    path = f"{hub}/{stream}"
    with Publisher(clip("h264+aac"), server.rtmp(path)) as publisher:
        live_info(stream)
        api.post(f"{stream_path(hub, stream)}/disabled", {"disabledTill": -1})
        assert publisher.process.wait(15) != 0
    with Publisher(clip("h264+aac"), server.rtmp(path)) as refused:
        assert refused.process.wait(15) != 0
    api.post(f"{stream_path(hub, stream)}/disabled", {"disabledTill": 0})
    with Publisher(clip("h264+aac"), server.rtmp(path)):
        live_info(stream)
