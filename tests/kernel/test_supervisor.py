"""The supervisor, with real processes: it keeps its children running, and none outlives it."""

import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

CHILD = """
import os, signal, sys
from oxbow.kernel.supervisor import die_with_parent
die_with_parent()
{body}
os.write(1, b"%s %d\\n" % (sys.argv[1].encode(), os.getpid()))  # one write: two children share the pipe
while True:
    signal.pause()
"""

SUPERVISOR = """
import sys
from oxbow.kernel.supervisor import Child, Supervisor
from oxbow.kernel import logs
logs.setup("error", "text", "supervisor")
children = [Child(name, [sys.executable, "-c", body, name]) for name, body in {children!r}.items()]
try:
    code = Supervisor(children, {stop_seconds}).run()
finally:
    print("cleaned up", flush=True)
sys.exit(code)
"""


class Running:
    """A supervisor in a process of its own; its children tell their names and process ids."""

    def __init__(self, bodies: dict[str, str], stop_seconds: float = 10.0) -> None:
        children = {name: CHILD.format(body=textwrap.dedent(body)) for name, body in bodies.items()}
        script = SUPERVISOR.format(children=children, stop_seconds=stop_seconds)
        self.process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.pids: dict[str, int] = {}
        self.wait_for(len(bodies))

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def wait_for(self, count: int) -> None:
        """Until so many children have come up."""
        for _ in range(count):
            name, pid = self.line().split()
            self.pids[name] = int(pid)

    def end(self) -> int:
        return self.process.wait(timeout=30)


@pytest.fixture
def running() -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for supervisor in started:
        if supervisor.process.poll() is None:
            supervisor.process.kill()
            supervisor.process.wait()
        assert supervisor.process.stdout is not None
        supervisor.process.stdout.read()  # ends when the last child has let go of it
        supervisor.process.stdout.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_child_is_started_again_and_the_others_notice_nothing(running: list[Running]) -> None:
    running.append(supervisor := Running({"a": "", "b": ""}))
    before = dict(supervisor.pids)
    os.kill(before["a"], signal.SIGKILL)
    supervisor.wait_for(1)
    assert supervisor.pids["a"] != before["a"]
    assert supervisor.pids["b"] == before["b"]
    assert is_running(before["b"])


def test_so_is_one_that_ends_by_itself_however_often(running: list[Running]) -> None:
    running.append(supervisor := Running({"a": ""}))
    for _ in range(2):
        os.kill(supervisor.pids["a"], signal.SIGTERM)
        supervisor.wait_for(1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_of_them(running: list[Running], number: signal.Signals) -> None:
    running.append(supervisor := Running({"a": "", "b": ""}))
    supervisor.process.send_signal(number)
    assert supervisor.end() == 0
    assert supervisor.line() == "cleaned up"
    assert not any(map(is_running, supervisor.pids.values()))


def test_a_stubborn_child_is_killed_and_the_exit_code_tells(running: list[Running]) -> None:
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    running.append(supervisor := Running({"stubborn": stubborn, "b": ""}, stop_seconds=0.1))
    supervisor.process.terminate()
    assert supervisor.end() == 1
    assert not any(map(is_running, supervisor.pids.values()))


def test_an_impatient_operator_does_not_keep_it_from_cleaning_up(running: list[Running]) -> None:
    """A second signal comes while it waits for its children."""
    slow = """
        def stop(*_):
            print("stopping", 0, flush=True)
            os.read(0, 1)
            signal.pause()
        signal.signal(signal.SIGTERM, stop)
    """
    running.append(supervisor := Running({"slow": slow}, stop_seconds=1.0))
    supervisor.process.terminate()
    assert supervisor.line() == "stopping 0"
    supervisor.process.terminate()
    supervisor.process.send_signal(signal.SIGINT)
    assert supervisor.end() == 1
    assert supervisor.line() == "cleaned up"


def test_no_child_outlives_a_supervisor_that_is_killed(running: list[Running]) -> None:
    running.append(supervisor := Running({"a": "", "b": ""}))
    children = [os.pidfd_open(pid) for pid in supervisor.pids.values()]
    supervisor.process.kill()
    supervisor.end()
    for child in children:
        assert select.select([child], [], [], 10)[0], "a process' descriptor is readable once it has ended"
        os.close(child)
