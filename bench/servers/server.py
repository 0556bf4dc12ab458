"""What a measurement needs to know of a running server, and helpers to start one."""

import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

START_TIMEOUT = 30.0
STOP_TIMEOUT = 15.0


@dataclass(frozen=True)
class Server:
    """A server that is up."""

    ports: dict[str, int]  # protocol (rtmp, http-flv, ws-flv) to port on 127.0.0.1
    serving: Callable[[], list[int]]  # processes that carry media
    everything: Callable[[], list[int]]  # all its processes
    shared_memory: Path | None = None  # tmpfs directory it keeps media in


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(name: str, ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Polls until the server is ready; a server that ends or stays silent is an error that quotes its log."""
    deadline = time.monotonic() + START_TIMEOUT
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            state = (
                "did not get ready" if process.poll() is None else f"ended with status {process.returncode}"
            )
            raise BenchError(f"{name} {state}; the end of its log:\n{_tail(log)}")
        time.sleep(0.05)


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks a server to end, and kills it if it does not."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
