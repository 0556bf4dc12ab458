"""Signed addresses with real players: who has one plays on after it has expired, nobody else gets a byte."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from e2e.media import FFMPEG, QUIET, Clip, Publisher, eventually, hashes, is_run_of
from e2e.server import Server
from oxbow.client import Client

pytestmark = pytest.mark.e2e

KEY = "play-key-of-this-test"
KINDS = {"flv": "liveHdl", "m3u8": "liveHls", "rtmp": "liveRtmp"}

MakeClip = Callable[[str], Clip]
LiveInfo = Callable[[str], dict[str, Any]]


@pytest.fixture
def domains(api: Client, hub: str) -> dict[str, str]:
    """A signed domain for each way to play, by extension."""
    for extension, kind in KINDS.items():
        name = f"{extension}.{hub}.example.com"
        api.post(f"/v2/hubs/{hub}/newdomains", {"domain": name, "type": kind})
        security = {"type": "tsExpireMD5", "key1": "new-key", "key2": KEY}
        api.post(f"/v2/hubs/{hub}/domains/{name}/playSecurity", security)
    return {extension: f"{extension}.{hub}.example.com" for extension in KINDS}


@pytest.fixture
def on_air(server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo) -> Iterator[Clip]:
    source = clip("h264+aac")
    with Publisher(source, server.rtmp(f"{hub}/{stream}")):
        live_info(stream)
        yield source


def query(path: str, expires: float, key: str = KEY) -> str:
    stamp = f"{int(expires):x}"
    return f"sign={hashlib.md5(f'{key}{path}{stamp}'.encode()).hexdigest()}&t={stamp}"


def bad_queries(path: str) -> dict[str, str]:
    good = query(path, time.time() + 60)
    return {
        "unsigned": "",
        "expired": query(path, time.time() - 60),
        "another key": query(path, time.time() + 60, "guessed"),
        "another time": re.sub("t=.*", f"t={int(time.time() + 600):x}", good),
        "another stream": query(f"{path}x", time.time() + 60),
    }


def play(options: list[str], address: str) -> subprocess.CompletedProcess[str]:
    """Read a second of pictures by ffmpeg; its exit code tells whether there were any."""
    command = [
        FFMPEG,
        *QUIET,
        *options,
        "-i",
        address,
        "-map",
        "0:v",
        "-frames:v",
        "25",
        "-f",
        "framemd5",
        "-",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def pictures(played: subprocess.CompletedProcess[str]) -> list[str]:
    assert played.returncode == 0, played.stderr
    return [line.split(",")[5].strip() for line in played.stdout.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("extension", ["flv", "m3u8"])
def test_ffmpeg_plays_a_signed_address_over_http(
    server: Server, hub: str, stream: str, domains: dict[str, str], on_air: Clip, extension: str
) -> None:
    path = f"/{hub}/{stream}.{extension}"
    host = ["-headers", f"Host: {domains[extension]}\r\n"]
    address = server.http(path[1:])
    played = play(host, f"{address}?{query(path, time.time() + 60)}")
    assert is_run_of(pictures(played), on_air.pictures)
    for what, bad in bad_queries(path).items():
        assert "403" in play(host, f"{address}?{bad}").stderr, what


def test_ffmpeg_plays_a_signed_address_over_rtmp(
    server: Server, hub: str, stream: str, domains: dict[str, str], on_air: Clip
) -> None:
    path = f"/{hub}/{stream}"
    tc_url = ["-rtmp_tcurl", f"rtmp://{domains['rtmp']}/{hub}"]
    address = server.rtmp(path[1:])
    played = play(tc_url, f"{address}?{query(path, time.time() + 60)}")
    assert is_run_of(pictures(played), on_air.pictures)
    for what, bad in bad_queries(path).items():
        refused = play(tc_url, f"{address}?{bad}")
        assert refused.returncode != 0, what
        assert KEY not in refused.stderr


REWRITTEN = {
    "flv": ("/old/(.+)/index[.]flv", ".flv", "old/{}/index.flv"),
    "m3u8": ("/old/(.+)/index[.]m3u8", ".m3u8", "old/{}/index.m3u8"),
    "rtmp": ("/old/([^?]+)", "", "old/{}"),
}
"""A rule's pattern, what a path that is signed ends in, and what is typed for a stream."""


@pytest.mark.parametrize("way", REWRITTEN)
def test_ffmpeg_plays_an_address_that_is_signed_as_what_it_is_rewritten_to(
    server: Server, api: Client, hub: str, stream: str, domains: dict[str, str], on_air: Clip, way: str
) -> None:
    pattern, ending, form = REWRITTEN[way]
    rule = {"pattern": pattern, "replace": f"/{hub}/${{1}}{ending}"}
    api.post(f"/v2/hubs/{hub}/domains/{domains[way]}/urlrewrite", {"rules": [rule]})
    typed, signed = form.format(stream), query(f"/{hub}/{stream}{ending}", time.time() + 60)
    if way == "rtmp":
        options, address = ["-rtmp_tcurl", f"rtmp://{domains[way]}/old"], server.rtmp(typed)
    else:
        options, address = ["-headers", f"Host: {domains[way]}\r\n"], server.http(typed)
    wrong = query(f"/{typed}", time.time() + 60)
    assert play(options, f"{address}?{wrong}").returncode != 0
    assert is_run_of(pictures(play(options, f"{address}?{signed}")), on_air.pictures)


def test_an_hls_player_goes_on_after_its_address_has_expired(
    server: Server, hub: str, stream: str, domains: dict[str, str], on_air: Clip
) -> None:
    path = f"/{hub}/{stream}.m3u8"
    headers = {"Host": domains["m3u8"]}
    with httpx.Client(trust_env=False, timeout=40, headers=headers) as http:
        address = f"{server.http(path[1:])}?{query(path, time.time() + 4)}"
        master = http.get(address)
        assert master.status_code == 200, master.text
        eventually(lambda: http.get(address).status_code == 403, "the address to expire", seconds=30)
        variant = next(line for line in master.text.splitlines() if line and not line.startswith("#"))
        media_address = urljoin(address, variant)
        media = http.get(media_address)
        assert media.status_code == 200, media.text
        segments = [line for line in media.text.splitlines() if line and not line.startswith("#")]
        segment = urljoin(media_address, segments[-1])
        assert http.get(segment).content[:1] == b"\x47"
        check_sessions(http, segment, media_address)


def check_sessions(http: httpx.Client, segment: str, playlist: str) -> None:
    """Without its session, or with a forged one, neither a segment nor a playlist is to be had."""
    bare = segment.partition("?")[0]
    for refused in (
        bare,
        f"{bare}?session={'0' * 16}",
        f"{bare}?session={'0' * 56}",
        f"{segment[:-1]}{'0' if segment[-1] != '0' else '1'}",
        re.sub("session=[0-9a-f]+", f"session={'0' * 56}", playlist),
        re.sub("&?session=[0-9a-f]+", "", playlist),
    ):
        assert http.get(refused).status_code == 403, refused


def test_lists_count_for_players_and_publishers(
    server: Server, api: Client, hub: str, stream: str, on_air: Clip, clip: MakeClip
) -> None:
    flv, push = f"list.{hub}.example.com", f"push.{hub}.example.com"
    for domain, kind in ((flv, "liveHdl"), (push, "publishRtmp")):
        api.post(f"/v2/hubs/{hub}/newdomains", {"domain": domain, "type": kind})
    path = f"/v2/hubs/{hub}/domains"
    api.post(f"{path}/{flv}/refererLimit", {"allow": ["*.good.example"], "allowEmpty": False})
    address = server.http(f"{hub}/{stream}.flv")
    for referer, status in (("http://www.good.example/", 200), ("http://evil.example/", 403), ("", 403)):
        headers = {"Host": flv} | ({"Referer": referer} if referer else {})
        with httpx.stream("GET", address, headers=headers, trust_env=False, timeout=20) as answer:
            assert answer.status_code == status, referer
    api.post(f"{path}/{push}/ipLimit", {"blacklist": ["127.0.0.0/8"]})
    tc_url = ("-rtmp_tcurl", f"rtmp://{push}/{hub}")
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}2"), *tc_url) as refused:
        assert "black list" in refused.refusal()


def test_without_a_signed_domain_nothing_changes(
    server: Server, hub: str, stream: str, domains: dict[str, str], on_air: Clip
) -> None:
    assert is_run_of(hashes(server.http(f"{hub}/{stream}.flv"), "v", 25), on_air.pictures)
