"""The house rules that a reader relies on, read from the source itself.

docs/architecture.md draws the picture. When one of these tests fails, either the code took a wrong turn or
the picture has to change.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
PACKAGE = SRC / "oxbow"
MAX_LINES = 400

MAY_IMPORT: dict[str, set[str]] = {
    "proto": set(),
    "media": {"proto"},
    "kernel": set(),
    "rooms": {"proto", "media", "kernel"},
    "testing": {"proto", "media", "kernel", "rooms"},
    "app": {"proto", "media", "kernel", "rooms"},
    "server": {"media", "kernel", "rooms"},
    "client": {"kernel"},
    "doctor": {"server", "client", "kernel", "media"},
    "demo": {"client", "kernel"},
    "cli": {"server", "client", "demo", "doctor", "kernel"},
    "__main__": {"cli"},
}
"""For each floor the floors below it. The package itself (its version) is below all of them."""

THIRD_PARTY_OF_THE_LOWER_FLOORS: dict[str, set[str]] = {"proto": set(), "media": {"msgspec"}}
HEAVY = {"sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn"}
SOCKETS_AND_CLOCKS = {"asyncio", "datetime", "select", "selectors", "socket", "ssl", "threading", "time"}
LIGHT = ["oxbow.server", "oxbow.rooms.live.worker.process"]


def source_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """`src/oxbow/proto/amf0.py` is `oxbow.proto.amf0`, and a package is named without `__init__`."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {module_name(path): path for path in source_files()}


def floor(module: str) -> str:
    """The part after `oxbow.`; empty for the package itself."""
    return module.removeprefix("oxbow").lstrip(".").partition(".")[0]


def room(module: str) -> str:
    """`live` for `oxbow.rooms.live.models`; empty outside the rooms."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "rooms" else ""


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that the file imports, at its top or not; `from a import b` is a.b if that is a module."""
    return frozenset(_imports(ast.parse(path.read_text()), path))


def _imports(tree: ast.AST, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _import_base(node, path)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in modules() else base


def _import_base(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = path.relative_to(SRC).parent.parts
    kept = package[: len(package) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def own_imports(path: Path) -> set[str]:
    return {name for name in imports(path) if name == "oxbow" or name.startswith("oxbow.")}


def foreign_imports(path: Path) -> set[str]:
    """Top-level names of what is neither ours nor the standard library's."""
    tops = {name.partition(".")[0] for name in imports(path)}
    return tops - sys.stdlib_module_names - {"oxbow"}


def everything_imported_from(start: str) -> dict[str, str]:
    """Our modules that importing `start` brings in, each with the one that asked for it."""
    asked_by = {start: "the test"}
    todo = [start]
    while todo:
        name = todo.pop()
        parents = {name.rpartition(".")[0]} & modules().keys()
        for imported in (own_imports(modules()[name]) & modules().keys()) | parents:
            if imported not in asked_by:
                asked_by[imported] = name
                todo.append(imported)
    return asked_by


def test_the_package_itself_imports_nothing_so_that_every_floor_may_import_it() -> None:
    assert own_imports(PACKAGE / "__init__.py") == set()


def test_arrows_go_down() -> None:
    below = {"": set[str]()} | MAY_IMPORT
    homeless = {name for name in modules() if floor(name) not in below}
    assert homeless == set(), "on no floor: draw it in docs/architecture.md and list it in MAY_IMPORT"
    wrong = {
        (name, imported)
        for name, path in modules().items()
        for imported in own_imports(path)
        if floor(imported) not in below[floor(name)] | {floor(name), ""}
    }
    assert wrong == set(), "(module, what it must not import)"


def test_rooms_know_each_other_by_their_api_only() -> None:
    # The composition root and the contract suites know every room from inside.
    wrong = {
        (name, imported)
        for name, path in modules().items()
        if floor(name) not in ("app", "server", "testing")
        for imported in own_imports(path)
        if room(imported) not in ("", room(name)) and imported.split(".")[3:] != ["api"]
    }
    assert wrong == set(), "(module, what it should take from that room's api.py)"


def test_the_lower_floors_need_little() -> None:
    wrong = {
        (name, foreign)
        for name, path in modules().items()
        for foreign in foreign_imports(path)
        if foreign not in THIRD_PARTY_OF_THE_LOWER_FLOORS.get(floor(name), {foreign})
    }
    assert wrong == set()


def test_protocol_cores_have_no_sockets_and_no_clocks() -> None:
    wrong = {
        (name, imported)
        for name, path in modules().items()
        if floor(name) == "proto"
        for imported in imports(path)
        if imported.partition(".")[0] in SOCKETS_AND_CLOCKS
    }
    assert wrong == set()


@pytest.mark.parametrize("start", LIGHT)
def test_what_starts_quickly_carries_neither_database_nor_web_framework(start: str) -> None:
    assert start in modules()
    wrong = {
        (name, asked_by, foreign)
        for name, asked_by in everything_imported_from(start).items()
        for foreign in foreign_imports(modules()[name]) & HEAVY
    }
    assert wrong == set(), "(module, who imports it, what it brings in)"


def test_every_module_says_what_it_is_for() -> None:
    silent = {name for name, path in modules().items() if not ast.get_docstring(ast.parse(path.read_text()))}
    assert silent == set(), "a module begins with a docstring"


def test_every_folder_of_source_is_a_package() -> None:
    folders = {path.parent for path in source_files()}
    assert {folder for folder in folders if not (folder / "__init__.py").exists()} == set()


def test_only_the_command_line_prints() -> None:
    wrong = {
        (name, node.lineno)
        for name, path in modules().items()
        if floor(name) != "cli"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert wrong == set()


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_files_stay_small_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked_files()
        if path.suffix == ".py" and (lines := path.read_text().count("\n")) > MAX_LINES
    }
    assert long == {}, f"a Python file has at most {MAX_LINES} lines and one reason to exist"


# The hosts are put together here so that this file does not name them either.
REGISTRY_HOST = re.compile("|".join(["npm" + "js", "pypi" + r"\.", "python" + "hosted", "yarn" + "pkg"]))
MACHINE_PATH = re.compile(r"(?<![\w./>}-])/(?:root|work|Users|home/(?!someone\b))/?\w")


@pytest.mark.parametrize("rule", [REGISTRY_HOST, MACHINE_PATH], ids=["registry host", "machine path"])
def test_nothing_is_tied_to_one_machine_or_registry(rule: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked_files()
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), 1)
        if rule.search(line)
    ]
    assert found == []


def test_each_migration_follows_the_one_before() -> None:
    versions = sorted((PACKAGE / "kernel/migrations/versions").glob("v*_*.py"))
    numbers = [f"{number:04}" for number in range(1, len(versions) + 1)]
    assert [path.name[1:5] for path in versions] == numbers, "two took the same number: the later one moves"
    for path, number in zip(versions, numbers, strict=True):
        assert f'revision = "{number}"' in path.read_text(), path.name
