"""Domains with certificates: real encoders and players over rtmps, https and wss, and a change of certificate
that cuts nobody."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certificates import Authority
from e2e.media import FFMPEG, QUIET, Clip, eventually, is_run_of
from e2e.proxy import encrypting, proxy
from e2e.server import Server, free_ports
from oxbow.client import Client, stream_path

pytestmark = pytest.mark.e2e

KINDS = {"push": "publishRtmp", "rtmp": "liveRtmp", "flv": "liveHdl", "hls": "liveHls"}
HUB, STREAM = "secure", "stream1"


def domain(kind: str) -> str:
    return f"{kind}.tls.example.com"


class Secure:
    """A server whose domains have certificates, and clients that reach it by their names."""

    def __init__(self, server: Server, rtmps: int, media: int, via: str, ca: Path) -> None:
        self.server, self.rtmps_port, self.media_port = server, rtmps, media
        self.environment = os.environ | {"http_proxy": via, "SSL_CERT_FILE": str(ca)}
        self.ca = ca

    def rtmps(self, kind: str) -> str:
        return f"rtmps://{domain(kind)}:{self.rtmps_port}/{HUB}/{STREAM}"

    def https(self, kind: str, extension: str) -> str:
        return f"https://{domain(kind)}:{self.media_port}/{HUB}/{STREAM}.{extension}"

    def give(self, api: Client, kind: str, authority: Authority) -> str:
        """A new certificate for a domain; returns its fingerprint."""
        made = authority.issue(domain(kind))
        known = api.post("/sslcert", {"name": kind, "ca": made.chain_pem, "pri": made.key_pem})
        api.post(f"/v2/hubs/{HUB}/domains/{domain(kind)}/cert", {"certName": known["certID"]})
        return made.fingerprint

    def shown(self, kind: str) -> str:
        """The fingerprint of the certificate that a handshake for the domain shows; empty if it fails."""
        context = ssl.create_default_context(cafile=str(self.ca))
        try:
            with (
                socket.create_connection(("127.0.0.1", self.media_port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=domain(kind)) as secured,
            ):
                certificate = secured.getpeercert(binary_form=True)
        except ssl.SSLError:
            return ""
        assert certificate is not None
        return hashlib.sha256(certificate).hexdigest()

    def pictures(self, url: str) -> list[str]:
        """A second of what ffmpeg sees, as hashes."""
        command = [FFMPEG, *QUIET, "-i", url, "-map", "0:v", "-frames:v", "25"]
        told = subprocess.run(
            [*command, "-fps_mode", "passthrough", "-f", "framemd5", "-"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == 0, told.stderr
        return [line.split(",")[5].strip() for line in told.stdout.splitlines() if not line.startswith("#")]


def fingerprint(der: bytes) -> str:
    from hashlib import sha256

    return sha256(der).hexdigest()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Secure]:
    home = tmp_path_factory.mktemp("tls")
    (home / "ca.pem").write_text(authority.pem)
    rtmps, media = free_ports(2)
    ports = {"rtmps_listen": f"127.0.0.1:{rtmps}", "media_tls_listen": f"127.0.0.1:{media}"}
    with Server(home / "home", **ports) as server, proxy() as via:
        made = Secure(server, rtmps, media, via, home / "ca.pem")
        with server.client() as api:
            api.post("/v2/hubs", {"name": HUB})
            for kind, type_ in KINDS.items():
                api.post(f"/v2/hubs/{HUB}/newdomains", {"domain": domain(kind), "type": type_})
            given = {kind: made.give(api, kind, authority) for kind in KINDS}
        for kind, wanted in given.items():
            eventually(lambda kind=kind, wanted=wanted: made.shown(kind) == wanted, f"{kind}'s certificate")
        yield made
    server.clean()


@pytest.fixture(scope="module")
def on_air(secure: Secure, clip: Callable[[str], Clip]) -> Iterator[Clip]:
    """The clip, published over RTMPS again and again."""
    source = clip("h264+aac")
    command = [FFMPEG, *QUIET, "-re", "-stream_loop", "-1", "-i", str(source.path), "-c", "copy", "-f", "flv"]
    context = ssl.create_default_context(cafile=str(secure.ca))
    # Through a proxy ffmpeg waits for the server's words between two frames, so it is led there another way.
    with encrypting(secure.rtmps_port, domain("push"), context) as port:
        publisher = subprocess.Popen([*command, f"rtmp://127.0.0.1:{port}/{HUB}/{STREAM}"])
        watch(secure)
        yield source
        publisher.terminate()
        publisher.wait()


def watch(secure: Secure) -> None:
    """Wait until the stream is live."""
    with secure.server.client() as api:
        info = stream_path(HUB, STREAM)
        eventually(lambda: api.get(f"/v2/hubs/{HUB}/streams?liveonly=true")["items"], "the stream to be live")
        assert api.get(f"{info}/live")["clientIP"].startswith("127.0.0.1:"), "the client's own address"


def test_ffmpeg_plays_over_rtmps_what_came_over_it(secure: Secure, on_air: Clip) -> None:
    assert is_run_of(secure.pictures(secure.rtmps("rtmp")), on_air.pictures * 2)


@pytest.mark.parametrize(("kind", "extension"), [("flv", "flv"), ("hls", "m3u8")])
def test_ffmpeg_plays_over_https(secure: Secure, on_air: Clip, kind: str, extension: str) -> None:
    assert is_run_of(secure.pictures(secure.https(kind, extension)), on_air.pictures * 2)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_checks_the_certificate_of_a_playlist(secure: Secure, on_air: Clip) -> None:
    url = secure.https("hls", "m3u8")
    command = [
        "curl",
        "-sS",
        "--max-time",
        "40",
        "--proxy",
        "",
        "--resolve",
        f"*:{secure.media_port}:127.0.0.1",
    ]
    asked = subprocess.run(
        [*command, "--cacert", str(secure.ca), url], capture_output=True, text=True, check=False
    )
    assert asked.stdout.startswith("#EXTM3U"), asked.stderr
    stranger = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    assert stranger.returncode == 60, "nobody else has heard of this authority"


def test_an_unknown_domain_is_refused_by_name(secure: Secure) -> None:
    assert secure.shown("unknown") == ""


def test_a_new_certificate_is_shown_without_cutting_who_watches(
    secure: Secure, on_air: Clip, authority: Authority
) -> None:
    context = ssl.create_default_context(cafile=str(secure.ca))
    plain = socket.create_connection(("127.0.0.1", secure.media_port), timeout=20)
    with context.wrap_socket(plain, server_hostname=domain("flv")) as viewer:
        viewer.sendall(f"GET /{HUB}/{STREAM}.flv HTTP/1.1\r\nHost: {domain('flv')}\r\n\r\n".encode())
        assert viewer.recv(12) == b"HTTP/1.1 200"
        before, other = secure.shown("flv"), secure.shown("rtmp")
        with secure.server.client() as api:
            wanted = secure.give(api, "flv", authority)
        assert wanted not in (before, other)
        eventually(lambda: secure.shown("flv") == wanted, "the new certificate")
        assert secure.shown("rtmp") == other
        seen = 0
        while seen < 500_000:  # seconds of the broadcast
            data = viewer.recv(65536)
            assert data, "the viewer was cut"
            seen += len(data)
