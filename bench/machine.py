"""What the numbers were measured on."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from bench.servers.nginx import find_nginx


def describe() -> dict[str, str]:
    """Processor, kernel, versions, load and time; all that is needed to judge whether two runs compare."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{parse_model(Path('/proc/cpuinfo').read_text())}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "nginx": _nginx_version(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def parse_model(cpuinfo: str) -> str:
    """The `model name` of /proc/cpuinfo, which some architectures leave out."""
    names = (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _nginx_version() -> str:
    answer = subprocess.run([find_nginx(), "-v"], capture_output=True, text=True, check=False).stderr
    return answer.strip().rpartition("/")[2]
