"""The C clients."""

import shutil
import subprocess

import pytest
from bench.broadcast import encoder_command
from bench.native import FLAGS
from bench.paths import NATIVE
from bench.programs import command_line


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("source", sorted(NATIVE.glob("*.c")), ids=lambda path: path.name)
def test_every_source_compiles_without_a_warning(source):
    done = subprocess.run(["gcc", *FLAGS, "-Werror", "-fsyntax-only", source], capture_output=True, text=True)

    assert done.stderr == ""
    assert done.returncode == 0


def test_options_become_flags():
    assert command_line("viewer", sweep_ms=20, stamps=True, host=None, quiet=False) == [
        "viewer", "--sweep-ms=20", "--stamps"
    ]  # fmt: skip


def test_the_broadcast_has_no_b_frames_and_a_key_picture_every_two_seconds(tmp_path):
    words = encoder_command("ffmpeg", tmp_path / "out.flv")

    assert words[words.index("-bf") + 1] == "0"
    assert int(words[words.index("-g") + 1]) / 25 == 2
    assert words[-1] == str(tmp_path / "out.flv")
