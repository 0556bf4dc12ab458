"""The peer: nginx with its RTMP module, as Debian packages them (nginx, libnginx-mod-rtmp)."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.procfs import descendants
from bench.servers.server import Server, accepts_connections, free_port, stop, wait_until

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


@contextmanager
def nginx() -> Iterator[Server]:
    """One worker process, the module's defaults, no access log. Without HTTP-FLV it is watched over RTMP."""
    binary = find_nginx()
    with tempfile.TemporaryDirectory(prefix="oxbow-bench-nginx-") as directory:
        home, port = Path(directory), free_port()
        (home / "nginx.conf").write_text(configuration(home, port))
        log = home / "error.log"
        process = subprocess.Popen([binary, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(log)])
        try:
            wait_until("nginx", lambda: accepts_connections(port), process, log)
            yield Server(
                ports={"rtmp": port},
                serving=lambda: descendants(process.pid),
                everything=lambda: [process.pid, *descendants(process.pid)],
            )
        finally:
            stop(process)


def find_nginx() -> str:
    """The binary; an error says what to install."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if binary is None or not MODULE.exists():
        raise BenchError(
            "nginx with its RTMP module is missing (Debian: apt install nginx libnginx-mod-rtmp)"
        )
    return binary


def configuration(home: Path, port: int) -> str:
    """`ping 0`: viewers that discard in the kernel cannot answer pings, and would be dropped for it."""
    # Only root may choose the worker's user; anybody else gets a warning for trying.
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    return f"""load_module {MODULE};
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {home}/nginx.pid;
error_log {home}/error.log error;
events {{ worker_connections 16000; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        ping 0;
        application live {{ live on; }}
    }}
}}
"""
