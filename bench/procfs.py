"""What processes cost, read from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time the processes have used so far; a process that is gone counts as nothing."""
    return sum(_ticks(pid) for pid in pids) / TICKS_PER_SECOND


def _ticks(pid: int) -> int:
    try:
        return parse_cpu_ticks(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def parse_cpu_ticks(stat: str) -> int:
    """utime + stime of one line of /proc/<pid>/stat. The command's name may hold blanks and parentheses."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def own_kb(pids: Iterable[int]) -> int:
    """Memory that the processes have filled themselves, in kB (the anonymous part of PSS).

    Pages of program files are left out: a process' share of them changes with every other process that starts
    or ends with the same libraries.
    """
    return sum(parse_own_kb(Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in pids)


def parse_own_kb(smaps_rollup: str) -> int:
    """The value of the `Pss_Anon:` line of /proc/<pid>/smaps_rollup."""
    line = next(line for line in smaps_rollup.splitlines() if line.startswith("Pss_Anon:"))
    return int(line.split()[1])


def descendants(pid: int) -> list[int]:
    """The processes below `pid`, nearest first, without itself."""
    parents = dict(_parents())
    found = [pid]
    for parent in found:
        found.extend(child for child, its_parent in parents.items() if its_parent == parent)
    return found[1:]


def _parents() -> Iterable[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(entry.name), int(stat.rpartition(")")[2].split()[1])


def command_line(pid: int) -> str:
    """The process's arguments with blanks between; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def held_kb(directory: Path) -> int:
    """What the files below a directory really occupy, in kB; a punched hole occupies nothing."""
    return sum(file.stat().st_blocks for file in directory.rglob("*") if file.is_file()) // 2
