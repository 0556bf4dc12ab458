"""The floor: a bare C loop over sendfile (bench/native/floor.c)."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.broadcast import broadcast
from bench.native import compiled
from bench.programs import command_line
from bench.servers.server import Server, accepts_connections, free_port, stop, wait_until


@contextmanager
def floor(tick_ms: int) -> Iterator[Server]:
    """Needs no publisher: it plays the file itself, to whoever asks over HTTP."""
    port = free_port()
    words = command_line(str(compiled("floor")), port=port, tick_ms=tick_ms, file=broadcast())
    with tempfile.NamedTemporaryFile(prefix="oxbow-bench-floor-") as log:
        process = subprocess.Popen(words, stderr=log)
        try:
            wait_until("floor", lambda: accepts_connections(port), process, Path(log.name))
            yield Server(
                ports={"http-flv": port}, serving=lambda: [process.pid], everything=lambda: [process.pid]
            )
        finally:
            stop(process)
