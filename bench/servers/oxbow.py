"""Oxbow as a user starts it, on free ports and in a home of its own."""

import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.paths import ROOT
from bench.procfs import command_line, descendants
from bench.servers.server import Server, free_port, stop, wait_until


@contextmanager
def oxbow(workers: int, tick_ms: int) -> Iterator[Server]:
    """`oxbow serve` with that many media workers, and a hub `live` that anybody may publish to."""
    shared = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="oxbow-bench-") as home,
        tempfile.TemporaryDirectory(prefix="oxbow-bench-", dir=shared) as shared_memory,
    ):
        api, media, rtmp = free_port(), free_port(), free_port()
        chosen = settings(Path(home), Path(shared_memory), (api, media, rtmp), workers, tick_ms)
        log = Path(home) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "oxbow", "serve"],
                env=os.environ | chosen, cwd=ROOT, stdout=output, stderr=output,
            )  # fmt: skip
            try:
                wait_until("oxbow", lambda: is_ready(api), process, log)
                yield Server(
                    ports={"rtmp": rtmp, "http-flv": media, "ws-flv": media},
                    serving=lambda: [
                        pid for pid in descendants(process.pid) if is_media_worker(command_line(pid))
                    ],
                    everything=lambda: [process.pid, *descendants(process.pid)],
                    shared_memory=Path(shared_memory),
                )
            finally:
                stop(process)


def settings(
    home: Path, shared_memory: Path, ports: tuple[int, int, int], workers: int, tick_ms: int
) -> dict[str, str]:
    """Everything at its default but places, ports, workers and the limit of connections from one address."""
    api, media, rtmp = (f"127.0.0.1:{port}" for port in ports)
    return {
        "OXBOW_HOME": str(home),
        "OXBOW_SHM_DIR": str(shared_memory),
        "OXBOW_API_LISTEN": api,
        "OXBOW_MEDIA_LISTEN": media,
        "OXBOW_RTMP_LISTEN": rtmp,
        "OXBOW_OBJECT_LISTEN": "127.0.0.1:0",
        "OXBOW_MEDIA_WORKERS": str(workers),
        "OXBOW_LIVE_TICK_MS": str(tick_ms),
        "OXBOW_LIVE_DEFAULT_HUB": "live",
        "OXBOW_LIVE_CONNECTIONS_PER_ADDRESS": "1000000",
    }


def is_ready(api_port: int) -> bool:
    """Asks the readiness endpoint."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{api_port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def is_media_worker(command: str) -> bool:
    """Whether a process below the supervisor carries media, told by its command line."""
    return "oxbow.rooms.live.worker" in command
