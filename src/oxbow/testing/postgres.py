"""A PostgreSQL server of one's own, in a temporary directory and on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_USER = "oxbow"


class NoPostgresError(Exception):
    """No server can be started on this machine; the text says why."""


@dataclass
class PostgresServer:
    """A cluster that can be stopped and started, to see what happens while it is away."""

    binaries: Path
    directory: Path

    @classmethod
    def create(cls) -> Self:
        """Make and start a cluster; :class:`NoPostgresError` where that is impossible."""
        binaries = find_binaries()
        directory = Path(tempfile.mkdtemp(prefix="oxbow-pg-"))
        server = cls(binaries, directory)
        if os.geteuid() == 0:
            os.chown(directory, *_unprivileged())
        try:
            # No password and no fsync: the socket's directory is private and the data is thrown away.
            server._run(
                "initdb", "-D", server.data, "-U", _USER, "-A", "trust", "-N", "-E", "UTF8", "--locale=C"
            )
            server.start()
        except BaseException:
            server.remove()
            raise
        return server

    @property
    def data(self) -> str:
        """The cluster's data directory."""
        return str(self.directory / "data")

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.directory}' -c fsync=off"
        log = str(self.directory / "log")
        self._run("pg_ctl", "-D", self.data, "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def freeze(self) -> None:
        """Let the server go on existing and answer nothing, as one that hangs would."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        postmaster = int((Path(self.data) / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in [postmaster, *map(int, children)]:
            os.kill(process, number)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make a database and return its URL."""
        self._run("createdb", "-h", str(self.directory), "-U", _USER, "-T", template, name)
        return f"postgresql://{_USER}@/{name}?host={self.directory}"

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._run("dropdb", "-h", str(self.directory), "-U", _USER, "--if-exists", "--force", name)

    def remove(self) -> None:
        """Stop the server if it runs, and remove every trace of it."""
        if (Path(self.data) / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        # A file and no pipe: the server that pg_ctl leaves behind would keep a pipe open.
        with (self.directory / "output").open("wb") as output:
            command = [str(self.binaries / program), *arguments]
            done = subprocess.run(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **_demoted(),
            )
        if done.returncode:
            told = [self.directory / name for name in ("output", "log")]
            text = "\n".join(path.read_text(errors="replace")[-2000:] for path in told if path.exists())
            raise RuntimeError(f"{program} failed with status {done.returncode}: {text}")


def find_binaries() -> Path:
    """The directory of the newest PostgreSQL; :class:`NoPostgresError` where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise NoPostgresError(
            "PostgreSQL's server binaries are not installed (Debian: apt-get install postgresql)"
        )
    return (found[-1] if found else Path(str(on_path)).resolve()).parent


def _unprivileged() -> tuple[int, int]:
    """Whom to run the server as when we are root, which PostgreSQL refuses to be."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NoPostgresError("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _demoted() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user, group = _unprivileged()
    return {"user": user, "group": group, "extra_groups": []}
