"""A real browser plays: FLV by mpegts.js, over HTTP and WebSocket, and HLS by hls.js, plain and over TLS."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from certificates import Authority
from e2e.media import Clip, Publisher, eventually
from e2e.server import Server, free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

HERE = Path(__file__).parent
PLAYERS = {
    "mpegts.js": HERE / "npm/node_modules/mpegts.js/dist/mpegts.js",
    "hls.js": HERE / "npm/node_modules/hls.js/dist/hls.min.js",
}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--ignore-certificate-errors",  # of the tests' authority, which test_tls.py checks with other clients
    "--host-resolver-rules=MAP *.browser.example.com 127.0.0.1",
]
SECONDS_SEEN = 3
TIMEOUT_MS = 45_000

if CHROMIUM is None:
    pytest.skip("needs a browser (Debian: apt install chromium)", allow_module_level=True)
if not all(path.exists() for path in PLAYERS.values()):
    pytest.skip("needs the npm packages of tests/e2e/npm (make test installs them)", allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a sandbox only where root leaves no other choice."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *sandbox])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with both players and no way to any other server."""
    opened = browser.new_page()
    opened.set_default_timeout(TIMEOUT_MS)
    opened.set_content((HERE / "browser.html").read_text())
    for player in PLAYERS.values():
        opened.add_script_tag(path=player)
    yield opened
    opened.close()


START = {
    "mpegts.js": """url => {
        const player = mpegts.createPlayer({type: 'flv', isLive: true, url});
        player.on(mpegts.Events.ERROR, (...what) => { window.failure = what.map(String).join(' '); });
        player.attachMediaElement(video);
        player.load();
        player.play();
    }""",
    "hls.js": """url => {
        const player = new Hls();
        player.on(Hls.Events.ERROR, (_, what) => { if (what.fatal) window.failure = what.details; });
        player.loadSource(url);
        player.attachMedia(video);
        player.on(Hls.Events.MANIFEST_PARSED, () => video.play());
    }""",
}

# The picture as numbers: small enough to hand over, large enough that no two moments look the same. The clock
# of a video may run before its first frame is there to be drawn, so a frame is awaited.
PICTURE = """async () => {
    await new Promise(shown => video.requestVideoFrameCallback(shown));
    const canvas = document.createElement('canvas');
    canvas.width = 160;
    canvas.height = 90;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
}"""


WAYS = pytest.mark.parametrize(
    ("player", "scheme", "extension"),
    [("mpegts.js", "http", "flv"), ("mpegts.js", "ws", "flv"), ("hls.js", "http", "m3u8")],
    ids=["HTTP-FLV by mpegts.js", "WebSocket-FLV by mpegts.js", "HLS by hls.js"],
)


@WAYS
def test_the_picture_moves(
    server: Server,
    hub: str,
    stream: str,
    clip: Callable[[str], Clip],
    live_info: Callable[[str], dict[str, Any]],
    page: Page,
    player: str,
    scheme: str,
    extension: str,
) -> None:
    address = server.http(f"{hub}/{stream}.{extension}").replace("http:", f"{scheme}:")
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        live_info(stream)
        see_it_move(page, player, address)


DOMAINS = {"flv": "liveHdl", "m3u8": "liveHls"}


def domain(extension: str) -> str:
    return f"{extension}.browser.example.com"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    """A server whose domains have certificates, and its port for them."""
    (port,) = free_ports(1)
    authority = Authority()
    home = tmp_path_factory.mktemp("browser") / "home"
    with Server(home, media_tls_listen=f"127.0.0.1:{port}") as server:
        with server.client() as api:
            for extension, kind in DOMAINS.items():
                api.post("/v2/hubs/live/newdomains", {"domain": domain(extension), "type": kind})
                made = authority.issue(domain(extension))
                pair = {"name": extension, "ca": made.chain_pem, "pri": made.key_pem}
                name = api.post("/sslcert", pair)["certID"]
                api.post(f"/v2/hubs/live/domains/{domain(extension)}/cert", {"certName": name})
        for extension in DOMAINS:
            eventually(partial(answers, port, domain(extension), authority), "its certificate")
        yield server, port
    server.clean()


def answers(port: int, name: str, authority: Authority) -> bool:
    """Whether a handshake for the domain succeeds."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            authority.client_context().wrap_socket(plain, server_hostname=name).close()
    except ssl.SSLError:
        return False
    return True


@WAYS
def test_the_picture_moves_over_tls(
    secure: tuple[Server, int],
    stream: str,
    clip: Callable[[str], Clip],
    page: Page,
    player: str,
    scheme: str,
    extension: str,
) -> None:
    server, port = secure
    with Publisher(clip("h264+aac"), server.rtmp(f"live/{stream}")):
        see_it_move(page, player, f"{scheme}s://{domain(extension)}:{port}/live/{stream}.{extension}")


def see_it_move(page: Page, player: str, address: str) -> None:
    """A picture with something in it, another one some seconds later, and sound."""
    page.evaluate(START[player], address)
    wait_until(page, "video.currentTime > 0 && video.videoWidth > 0")
    first, began = page.evaluate(PICTURE), page.evaluate("video.currentTime")
    wait_until(page, f"video.currentTime > {began + SECONDS_SEEN}")
    second = page.evaluate(PICTURE)
    assert page.evaluate("[video.videoWidth, video.videoHeight]") == [320, 180]
    assert len(set(first)) > 50, "the picture is one colour"
    assert sum(one != other for one, other in zip(first, second, strict=True)) > len(first) / 100
    assert page.evaluate("video.webkitAudioDecodedByteCount") > 0


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition in the page, or for the player to fail."""
    page.wait_for_function(f"() => window.failure || ({condition})")
    assert page.evaluate("window.failure || ''") == ""
