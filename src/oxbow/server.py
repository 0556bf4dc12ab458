"""The supervisor that `oxbow serve` runs: it starts the control process, the media and the object workers.

It imports neither the web framework nor the database: both take longer than everything it does. It knows the
settings of every room, so that a wrong one stops the start, and nothing else about the rooms.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

# For `check`: these are the sections that there are.
import oxbow.kernel.settings.metering
import oxbow.kernel.settings.tasks
import oxbow.rooms.live.certificates.settings
import oxbow.rooms.live.settings
import oxbow.rooms.live.settings_domains
import oxbow.rooms.storage.settings  # noqa: F401
from oxbow.kernel import logs
from oxbow.kernel.geoip import GeoCopies
from oxbow.kernel.ports import Port, bind
from oxbow.kernel.settings import KernelSettings, ListenAddress, SettingsError, check, load
from oxbow.kernel.supervisor import Child, Supervisor
from oxbow.media.registry import Registry
from oxbow.media.shm import supports_punch_hole
from oxbow.rooms.live.places import control_socket, streams_root

SCHEMES = {"rtmp": "rtmp", "media": "http", "rtmps": "rtmps", "media_tls": "https", "objects": "http"}

log = logs.get_logger("oxbow")


def serve() -> int:
    """Run the server in the foreground until a signal ends it; returns the exit code."""
    try:
        unknown = check()
        kernel = load(KernelSettings)
        kernel.create_home()
        logs.setup(kernel.log_level, kernel.log_format, "supervisor")
        for warning in unknown:
            log.warning("unknown setting", problem=warning)
        lock = _lock_home(kernel.home)
        GeoCopies(kernel).install()
        _prepare_shared_memory(kernel)
        listener = bind(kernel.api_listen)
        ports = {name: Port.reserve(address) for name, address in _doors(kernel).items()}
        objects = Port.reserve(kernel.object_listen)
    except (SettingsError, OSError) as error:
        sys.stderr.write(f"oxbow: {error}\n")
        return 2
    supervisor = Supervisor(_children(kernel, listener, ports, objects), kernel.shutdown_seconds + 3)
    try:
        return supervisor.run(lambda: _say_hello(kernel, listener, {**ports, "objects": objects}))
    finally:
        Registry(streams_root(kernel)).clear()
        control_socket(kernel).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # an operator's own directory may hold other things
            kernel.shm_dir.rmdir()
        os.close(lock)


def _doors(kernel: KernelSettings) -> dict[str, ListenAddress]:
    """Where the media workers listen, by the names of their doors."""
    doors = {
        "rtmp": kernel.rtmp_listen,
        "media": kernel.media_listen,
        "rtmps": kernel.rtmps_listen,
        "media_tls": kernel.media_tls_listen,
    }
    return {name: address for name, address in doors.items() if address is not None}


def _lock_home(home: Path) -> int:
    """One server a home; the kernel releases the lock however the server ends."""
    fd = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise OSError(f"another server runs in OXBOW_HOME={home}: stop it, or choose another home") from None
    return fd


def _prepare_shared_memory(kernel: KernelSettings) -> None:
    directory = kernel.shm_dir
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    if not supports_punch_hole(directory):
        raise OSError(
            f"OXBOW_SHM_DIR={directory}: its file system can't punch holes; "
            "it takes a tmpfs, such as /dev/shm"
        )
    Registry(
        streams_root(kernel)
    ).clear()  # what a killed server left: nobody publishes it and nobody watches


def _children(
    kernel: KernelSettings, listener: socket.socket, ports: Mapping[str, Port], objects: Port
) -> list[Child]:
    fd = listener.fileno()
    control_child = Child("control", [sys.executable, "-m", "oxbow.app", str(fd)], pass_fds=(fd,))
    worker = [sys.executable, "-m", "oxbow.rooms.live.worker.process"]
    doors = [f"{name}={port.address}" for name, port in ports.items()]
    workers = [
        Child(f"worker-{index}", [*worker, str(index), *doors]) for index in range(kernel.media_workers)
    ]
    carrier = [sys.executable, "-m", "oxbow.rooms.storage.worker.process"]
    carriers = [
        Child(f"objects-{index}", [*carrier, str(index), str(objects.address)])
        for index in range(kernel.object_workers)
    ]
    return [control_child, *workers, *carriers]


def _say_hello(kernel: KernelSettings, listener: socket.socket, ports: Mapping[str, Port]) -> None:
    host, port = listener.getsockname()[:2]
    log.info(
        "oxbow is starting",
        home=str(kernel.home),
        api=f"http://{host}:{port}",
        **{name: f"{SCHEMES[name]}://{port.address}" for name, port in ports.items()},
        workers=kernel.media_workers,
    )
