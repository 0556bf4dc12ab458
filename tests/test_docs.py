"""What can be set, called, scraped and typed is documented; both READMEs tell the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest
from fastapi import FastAPI

from oxbow.app import House
from oxbow.cli.root import root
from oxbow.kernel.gateway.app import RouteDoc, documented_routes
from oxbow.kernel.settings import KernelSettings, SettingDoc, documented_settings

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"\s+#.*$", re.MULTILINE)


def settings_row(setting: SettingDoc) -> str:
    """A setting's line in docs/settings.md."""
    key = f"`{setting.toml_key}`" if setting.toml_key else ""
    default = f"`{setting.default}`" if setting.default else ""
    return f"| `{setting.env_name}` | {key} | {default} | {setting.takes} | {setting.description} |"


def test_every_setting_is_documented_and_no_other() -> None:
    rows = [line for line in (DOCS / "settings.md").read_text().splitlines() if line.startswith("| `OXBOW_")]
    assert rows == [settings_row(setting) for setting in documented_settings()]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The whole API, put together but not opened."""
    folder = tmp_path_factory.mktemp("house")
    return House(KernelSettings(home=folder / "home", shm_dir=folder / "shm")).app


def route_row(route: RouteDoc) -> str:
    """How a route's line in docs/api.md begins."""
    return f"| `{route.method} {route.path}` |"


def test_every_route_is_documented(app: FastAPI) -> None:
    text = (DOCS / "api.md").read_text()
    assert [route_row(route) for route in documented_routes(app) if route_row(route) not in text] == []


def test_no_route_is_documented_that_is_none(app: FastAPI) -> None:
    rows = re.findall(r"^\| `[A-Z]+ /[^`]*` \|", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert set(rows) == {route_row(route) for route in documented_routes(app)}


async def metric_names(app: FastAPI) -> set[str]:
    """Every metric that Prometheus would scrape, but those of Python itself."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://oxbow") as client:
        text = (await client.get("/metrics")).text
    return set(re.findall(r"^# TYPE (oxbow_\w+)", text, re.MULTILINE))


async def test_every_metric_is_documented_and_no_other(app: FastAPI) -> None:
    documented = re.findall(r"^\| `(oxbow_\w+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    assert set(documented) == await metric_names(app)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command with its arguments, as a heading names it; a group counts if it does something itself."""
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield (
            " ".join([path, *(argument.make_metavar(click.Context(command)) for argument in arguments)]),
            command,
        )
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, f"{path} {name}")


def sections() -> dict[str, str]:
    """The text below each command's heading in docs/commands.md."""
    parts = re.split(r"^#+ (.*)$", (DOCS / "commands.md").read_text(), flags=re.MULTILINE)
    return {heading.strip("`"): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_command_is_documented_and_no_other() -> None:
    headings = {heading for heading in sections() if heading.startswith("oxbow ")}
    assert headings == {usage for usage, _ in commands(root, "oxbow")}


def test_every_option_is_documented_with_its_command() -> None:
    missing = [
        (usage, name)
        for usage, command in commands(root, "oxbow")
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
        if name not in sections()[usage]
    ]
    assert missing == []


def readmes() -> tuple[str, str]:
    return (ROOT / "README.md").read_text(), (ROOT / "README.zh-CN.md").read_text()


def test_both_readmes_have_the_same_headings() -> None:
    english, chinese = (re.findall(r"^(#+) ", text, re.MULTILINE) for text in readmes())
    assert english == chinese


def test_both_readmes_have_the_same_examples() -> None:
    english, chinese = (
        [(kind, COMMENT.sub("", code)) for kind, code in FENCE.findall(text)] for text in readmes()
    )
    assert english == chinese
    assert len(english) > 3


def test_links_lead_somewhere() -> None:
    broken = [
        (page.name, target)
        for page in [*ROOT.glob("*.md"), *DOCS.glob("*.md")]
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
