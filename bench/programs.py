"""Starting the C clients and talking with them in JSON lines."""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from bench.broadcast import broadcast
from bench.errors import BenchError
from bench.native import compiled

Report = dict[str, Any]


class Client:
    """A running viewer or publisher."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._process = process

    def wait_joined(self, timeout: float) -> None:
        """Returns once every connection stands or has failed."""
        self._read("joined", timeout)

    def mark(self) -> None:
        """Begins a measuring window."""
        self._ask("mark")

    def report(self) -> Report:
        """What the client counted since the mark."""
        return self._ask("report")

    def _ask(self, command: str) -> Report:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._read(command, timeout=30)

    def _read(self, event: str, timeout: float) -> Report:
        output = self._process.stdout
        assert output is not None
        if not select.select([output], [], [], timeout)[0]:
            raise BenchError(f"the {self._name} has not said '{event}' within {timeout:.0f} s")
        line = output.readline()
        if not line:
            raise BenchError(f"the {self._name} ended early")
        answer: Report = json.loads(line)
        if answer["event"] != event:
            raise BenchError(f"the {self._name} said {answer['event']} instead of {event}")
        return answer


@contextmanager
def _client(name: str, **options: object) -> Iterator[Client]:
    process = subprocess.Popen(
        command_line(str(compiled(name)), **options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Client(name, process)
    finally:
        process.kill()
        process.communicate()


def command_line(program: str, **options: object) -> list[str]:
    """`sweep_ms=20` becomes `--sweep-ms=20`; True stands for a bare flag, None for nothing."""
    words = [program]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words.append(f"{flag}={value}")
    return words


def viewers(
    protocol: str, port: int, count: int, over: float, *, stamps: bool = False
) -> AbstractContextManager[Client]:
    """`count` viewers of live/bench that join over `over` seconds; protocol is http-flv, ws-flv or rtmp."""
    return _client("viewer", protocol=protocol, port=port, viewers=count, over=over, stamps=stamps)


def publishers(port: int, count: int, over: float, chunk_size: int) -> AbstractContextManager[Client]:
    """`count` RTMP publishers: live/bench, or live/bench0, live/bench1 ... if there are several."""
    return _client(
        "publisher", port=port, streams=count, over=over, chunk_size=chunk_size, file=str(broadcast())
    )
