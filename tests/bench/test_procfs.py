"""Reading /proc."""

import os
import subprocess
import sys

from bench.procfs import command_line, cpu_seconds, descendants, held_kb, parse_cpu_ticks, parse_own_kb


def test_cpu_time_is_found_behind_a_command_with_blanks_and_parentheses():
    stat = "42 (nginx: (worker) 1) S 1 42 42 0 -1 4194560 100 0 0 0 250 75 0 0 20 0 1 0 5 6 7"

    assert parse_cpu_ticks(stat) == 325


def test_a_process_own_memory_is_the_anonymous_part():
    assert parse_own_kb("5566 ---p 00 00:00 0 [rollup]\nRss:   900 kB\nPss:   512 kB\nPss_Anon: 1 kB\n") == 1


def test_a_child_is_found_below_its_parent():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in descendants(os.getpid())
        assert "input()" in command_line(child.pid)
        child.communicate(b"\n")


def test_a_process_that_is_gone_costs_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()

    assert cpu_seconds([child.pid]) == 0
    assert command_line(child.pid) == ""


def test_a_hole_in_a_file_is_not_held(tmp_path):
    with (tmp_path / "log").open("wb") as log:
        log.truncate(64 << 20)

    assert held_kb(tmp_path) < 1024
