"""What the machine has to offer: Python, time, open files, shared memory, ffmpeg."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg

import oxbow
from oxbow.doctor.finding import Finding, broken, note, ok
from oxbow.media.shm import supports_punch_hole

OLDEST_PYTHON = (3, 11)
FEW_FILES = 4096
LITTLE_MEMORY = 256 << 20
FFMPEG_SECONDS = 20


def python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return broken("python", f"{version} is too old", "install Python 3.11 or newer")
    return ok("python", f"{version}, {sys.executable}")


def clock() -> Finding:
    """Signed requests and addresses carry the time; a clock before the program's own files is wrong."""
    written = Path(oxbow.__file__).stat().st_mtime
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() < written - 86400:
        remedy = "set the clock (timedatectl set-ntp true); signed requests are refused while it is wrong"
        return broken("clock", f"{now} is before this program was installed", remedy)
    return ok("clock", now)


def open_files() -> Finding:
    """Each viewer is an open file; the server raises its soft limit to the hard one by itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEW_FILES:
        remedy = (
            "raise the hard limit: ulimit -Hn, LimitNOFILE= in a systemd unit, or /etc/security/limits.conf"
        )
        return note("open files", f"at most {hard} a process, so fewer viewers than that a worker", remedy)
    return ok("open files", "no limit" if hard == resource.RLIM_INFINITY else f"at most {hard} a process")


def ffmpeg() -> Finding:
    """Only the demo and the tests need it."""
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-version"]
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=FFMPEG_SECONDS, check=True
        ).stdout
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        remedy = "reinstall imageio-ffmpeg, or name one in IMAGEIO_FFMPEG_EXE"
        return note("ffmpeg", f"does not run ({error}); `oxbow demo` needs it", remedy)
    return ok("ffmpeg", told.splitlines()[0].partition(" Copyright")[0])


def shared_memory(directory: Path) -> Finding:
    """The stream logs need a tmpfs that gives pages back."""
    name = "shared memory"
    place = existing_ancestor(directory)
    elsewhere = "set OXBOW_SHM_DIR to a directory on a tmpfs, for example below /dev/shm"
    if not os.access(place, os.W_OK | os.X_OK):
        return broken(name, f"{place} is not writable", elsewhere)
    kind = file_system(place)
    if kind != "tmpfs":
        return broken(name, f"{place} is on {kind}, not on a tmpfs", elsewhere)
    if not supports_punch_hole(place):
        return broken(name, f"files in {place} cannot give memory back (FALLOC_FL_PUNCH_HOLE)", elsewhere)
    return _room(name, place)


def _room(name: str, place: Path) -> Finding:
    figures = os.statvfs(place)
    free = figures.f_bavail * figures.f_frsize
    detail = f"{place}, {free >> 20} MiB free of {figures.f_blocks * figures.f_frsize >> 20} MiB"
    if free < LITTLE_MEMORY:
        remedy = "a stream of 2 Mbit/s holds about 5 MiB for each protocol that is watched; enlarge it: "
        return note(name, detail, f"{remedy}mount -o remount,size=2G {place}, or --shm-size for a container")
    return ok(name, detail)


def existing_ancestor(path: Path) -> Path:
    """The path itself, or the nearest directory above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, from the kernel's table of mounts."""
    best, kind = "", "an unknown file system"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, this, *_ = line.split(" ")
        mount = point.encode().decode("unicode_escape")
        if path.is_relative_to(mount) and len(mount) >= len(best):
            best, kind = mount, this
    return kind
