"""A process that does nothing but keep others running."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from oxbow.kernel.logs import get_logger

RESTART_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
"""How long to wait before the first, second, ... restart of a child that keeps dying."""
STABLE_SECONDS = 10.0
"""A child that ran for so long starts counting anew."""
_PR_SET_PDEATHSIG = 1
_PARENT = "_SUPERVISOR_PID"
_WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

log = get_logger("oxbow.supervisor")


def die_with_parent() -> None:
    """For a child, first thing: end when the supervisor does, however it ends (prctl(2),
    PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    parent = os.environ.get(_PARENT)
    if parent is not None and int(parent) != os.getppid():
        raise SystemExit("the supervisor ended before this process had begun")


@dataclass(slots=True)
class Child:
    """One process to keep running."""

    name: str
    command: list[str]
    pass_fds: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    """When to start it again, monotonic seconds."""
    failures: int = 0


class Supervisor:
    """Starts the children, restarts whichever ends, and ends them all on SIGTERM, SIGINT or SIGHUP."""

    def __init__(self, children: list[Child], stop_seconds: float) -> None:
        """`stop_seconds`: how long the children may take to end before they are killed."""
        self._children = children
        self._stop_seconds = stop_seconds

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Run until a signal ends it; returns the exit code."""
        # Blocked, signals wait until they are asked for: nothing happens in between two instructions.
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        try:
            for child in self._children:
                self._start(child)
            started()
            number = self._watch()
            log.info("stopping", signal=signal.Signals(number).name)
            return self._stop()
        finally:
            # A second signal while the children ended must not end us before our caller has cleaned up.
            while signal.sigtimedwait(_WATCHED, 0) is not None:
                pass
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.command,
            pass_fds=child.pass_fds,
            env={**os.environ, **child.environment, _PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            # A group of its own keeps the terminal's Ctrl-C away: the supervisor alone decides who ends when.
            process_group=0,
            preexec_fn=_unblock,
        )
        child.started = time.monotonic()

    def _watch(self) -> int:
        while True:
            due = [child.due for child in self._children if child.process is None]
            wait = max(0.0, min(due) - time.monotonic()) if due else 3600.0
            received = signal.sigtimedwait(_WATCHED, wait)
            if received is not None and received.si_signo != signal.SIGCHLD:
                return received.si_signo
            for child in self._children:
                self._look_after(child)

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if child.due <= time.monotonic():
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            return
        child.failures = 0 if time.monotonic() - child.started > STABLE_SECONDS else child.failures + 1
        pause = RESTART_SECONDS[min(child.failures, len(RESTART_SECONDS) - 1)]
        log.error("a process ended and is started again", process=child.name, code=code, pause=pause)
        child.process, child.due = None, time.monotonic() + pause

    def _stop(self) -> int:
        running = [child for child in self._children if child.process is not None]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        deadline = time.monotonic() + self._stop_seconds
        clean = True
        for child in running:
            assert child.process is not None
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("a process did not end in time and is killed", process=child.name)
                child.process.kill()
                child.process.wait()
                clean = False
        return 0 if clean else 1


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
