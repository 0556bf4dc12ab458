"""The extensions stand in one table of docs/api.md, and nothing else does."""

import re
from pathlib import Path

from fastapi import FastAPI

from oxbow.kernel.gateway import documented_routes
from oxbow.kernel.gateway.app import EXTENSION

PAGE = Path(__file__).parents[3] / "docs" / "api.md"


def endpoints(section: str) -> set[str]:
    """What the tables below a heading of docs/api.md list."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", text, re.MULTILINE))


def test_extensions_are_in_one_table(live_app: FastAPI):
    routes = documented_routes(live_app)
    extensions = {f"{route.method} {route.path}" for route in routes if EXTENSION in route.tags}
    dialect = {f"{route.method} {route.path}" for route in routes if "live" in route.tags} - extensions
    assert extensions <= endpoints("Extensions")
    assert dialect == endpoints("Hubs") | endpoints("Domains") | endpoints("Streams") | endpoints(
        "Statistics"
    )
    assert not dialect & endpoints("Extensions")
