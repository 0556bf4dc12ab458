"""The server's own copies of the operator's databases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from geo_databases import SHANGHAI, write_database
from oxbow.kernel.geoip import GeoCopies
from oxbow.kernel.settings import KernelSettings, SettingsError

GERMANY = {"continent": {"code": "EU"}, "country": {"iso_code": "DE"}}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_database(tmp_path / "operators-own.mmdb", {"1.2.0.0/16": SHANGHAI})


@pytest.fixture
def copies(tmp_path: Path, source: Path) -> GeoCopies:
    copies = GeoCopies(KernelSettings(home=tmp_path / "home", geoip_city_database=source))
    copies.install()
    return copies


def later(path: Path) -> None:
    """A change within one tick of the file system's clock must not look like none."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def test_a_changed_file_counts_after_the_next_look(copies: GeoCopies, source: Path) -> None:
    finder = copies.finder()
    assert finder.place("1.2.3.4").area == "cn"
    write_database(source, {"1.2.0.0/16": GERMANY})
    later(source)
    copies.refresh()
    assert finder.refresh()
    assert finder.place("1.2.3.4").area == "emea"


def test_a_file_that_is_written_over_in_place_hurts_nobody(copies: GeoCopies, source: Path) -> None:
    finder = copies.finder()
    source.write_bytes(b"half a download")
    later(source)
    copies.refresh()
    finder.refresh()
    assert finder.place("1.2.3.4").area == "cn"
    source.unlink()
    copies.refresh()
    assert finder.place("1.2.3.4").area == "cn"


@pytest.mark.parametrize("content", [None, b"", b"no database"])
@pytest.mark.parametrize("which", ["city", "asn"])
def test_a_missing_file_stops_the_start_and_names_the_setting(
    tmp_path: Path, content: bytes | None, which: str
) -> None:
    path = tmp_path / "missing.mmdb"
    if content is not None:
        path.write_bytes(content)
    settings = KernelSettings(home=tmp_path / "home", **{f"geoip_{which}_database": path})
    with pytest.raises(SettingsError, match=f"OXBOW_GEOIP_{which.upper()}_DATABASE=.*missing.mmdb"):
        GeoCopies(settings).install()


async def test_without_settings_there_is_nothing_to_do(tmp_path: Path) -> None:
    copies = GeoCopies(KernelSettings(home=tmp_path / "home"))
    copies.install()
    await copies.keep_fresh(copies.finder())
    assert not (tmp_path / "home").exists()
