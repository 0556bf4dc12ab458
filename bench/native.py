"""Compiles the C clients on the machine that runs them."""

import shutil
import subprocess
from pathlib import Path

from bench.errors import BenchError
from bench.paths import NATIVE, OUT

SHARED = ("common.c", "frames.c", "rtmp.c", "source.c")
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra")


def compiled(name: str) -> Path:
    """The program `bench/native/<name>.c` as an executable that is at least as new as every source."""
    target = OUT / name
    newest_source = max(source.stat().st_mtime for source in NATIVE.iterdir())
    if not target.exists() or target.stat().st_mtime < newest_source:
        _compile(name, target)
    return target


def _compile(name: str, target: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise BenchError(
            "the benchmark's clients are C programs: install gcc (Debian: apt install gcc libc6-dev)"
        )
    OUT.mkdir(exist_ok=True)
    sources = [str(NATIVE / source) for source in (f"{name}.c", *SHARED)]
    done = subprocess.run([compiler, *FLAGS, "-o", str(target), *sources], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{name}.c does not compile:\n{done.stderr}")
