"""A real server for the end-to-end tests: `oxbow serve` as a child, in a home of its own, on free ports."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Self

import httpx

from oxbow.client import Client

ACCESS_KEY = "e2e-access-key-0000"
SECRET_KEY = "e2e-secret-key-0000000000"
START_SECONDS = 60
STOP_SECONDS = 40


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; all are held until the last is found, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


class Server:
    """A context manager: ready when entered, ended by SIGTERM and checked for a clean exit when left."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.home = home
        self.api_port, self.media_port, self.rtmp_port, self.object_port = free_ports(4)
        self.log = home.with_name(f"{home.name}.log")
        self.shared = Path("/dev/shm") / f"oxbow-e2e-{uuid.uuid4().hex[:12]}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OXBOW_")},
            "OXBOW_HOME": str(home),
            "OXBOW_API_LISTEN": f"127.0.0.1:{self.api_port}",
            "OXBOW_MEDIA_LISTEN": f"127.0.0.1:{self.media_port}",
            "OXBOW_RTMP_LISTEN": f"127.0.0.1:{self.rtmp_port}",
            "OXBOW_OBJECT_LISTEN": f"127.0.0.1:{self.object_port}",
            "OXBOW_SHM_DIR": str(self.shared),
            "OXBOW_MEDIA_WORKERS": "2",
            "OXBOW_ROOT_ACCESS_KEY": ACCESS_KEY,
            "OXBOW_ROOT_SECRET_KEY": SECRET_KEY,
            **{f"OXBOW_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def set(self, **settings: object) -> None:
        """Change settings of a server that is not started yet."""
        self._environment |= {f"OXBOW_{name.upper()}": str(value) for name, value in settings.items()}

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def rtmp(self, path: str) -> str:
        """The RTMP address of `hub/stream`, for publishing and playing."""
        return f"rtmp://127.0.0.1:{self.rtmp_port}/{path}"

    def http(self, path: str) -> str:
        """The address of `hub/stream.flv` or `hub/stream.m3u8`."""
        return f"http://127.0.0.1:{self.media_port}/{path}"

    def client(self) -> Client:
        return Client(self.api, ACCESS_KEY, SECRET_KEY)

    def run(
        self, *arguments: str, check: bool = True, text_input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the `oxbow` command with this server's settings."""
        return subprocess.run(
            [sys.executable, "-m", "oxbow", *arguments],
            env=self._environment,
            input=text_input,
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        )

    def popen(self, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
        """Start the `oxbow` command with this server's settings."""
        command = [sys.executable, "-m", "oxbow", *arguments]
        return subprocess.Popen(command, env=self._environment, **options)  # type: ignore[call-overload]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()  # one that did not get ready in time must not go on behind the other tests
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self.stop() == 0, self.log.read_text()

    def start(self) -> None:
        """Start and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = self.popen("serve", stdout=log, stderr=log, start_new_session=True)
        give_up = time.monotonic() + START_SECONDS
        while not self.ready():
            assert self.process.poll() is None, f"the server ended:\n{self.log.read_text()}"
            assert time.monotonic() < give_up, f"the server is not ready:\n{self.log.read_text()}"
            time.sleep(0.05)

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.api}/readyz", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the server by a signal and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise

    def clean(self) -> None:
        """Remove what stands outside of the home."""
        shutil.rmtree(self.shared, ignore_errors=True)

    def processes(self) -> list[int]:
        """Every process of the server: the supervisor leads their session."""
        assert self.process is not None
        listed = subprocess.run(
            ["ps", "-o", "pid=", "-s", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in listed.stdout.split()]
