"""The server's own copies of the operator's databases.

Processes read a database through a mapping. Were the operator's own file mapped, whoever wrote over it in
place would take those pages away below every reader, which is the end of a process. So the files are copied
into the home, and a new copy takes the place of the old one in one step.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import maxminddb

from oxbow.kernel.geoip.finder import GeoFinder
from oxbow.kernel.logs import get_logger
from oxbow.kernel.settings import KernelSettings, SettingsError

DIRECTORY = "geoip"
REFRESH_SECONDS = 5.0

log = get_logger(__name__)


class GeoCopies:
    """Which files are copied where; nothing, if the settings name none."""

    def __init__(self, settings: KernelSettings) -> None:
        directory = settings.home / DIRECTORY
        self._sources: dict[str, tuple[Path, Path]] = {}
        named = {"city": settings.geoip_city_database, "asn": settings.geoip_asn_database}
        for name, source in named.items():
            if source is not None:
                self._sources[name] = (source, directory / f"{name}.mmdb")

    def finder(self) -> GeoFinder:
        """A reader of the copies."""
        city, asn = (self._sources[name][1] if name in self._sources else None for name in ("city", "asn"))
        return GeoFinder(city, asn)

    def install(self) -> None:
        """Make the copies at the server's start; SettingsError names the setting whose file is not there or
        is no database."""
        for name, (source, copy) in self._sources.items():
            try:
                _copy(source, copy)
            except (OSError, maxminddb.InvalidDatabaseError) as error:
                setting = f"OXBOW_GEOIP_{name.upper()}_DATABASE"
                reason = getattr(error, "strerror", None) or str(error)
                problem = f"{setting}={source}: {reason}; it takes a MaxMind .mmdb file"
                raise SettingsError([problem]) from error

    def refresh(self) -> None:
        """Copy what has changed; blocks for as long as that takes. A file that is no database is logged, and
        the copy stays what it was."""
        for source, copy in self._sources.values():
            try:
                if _has_changed(source, copy):
                    _copy(source, copy)
                    log.info("a geographic database was replaced", path=str(source))
            except (OSError, maxminddb.InvalidDatabaseError) as error:
                log.warning("a geographic database can't be taken", path=str(source), error=str(error))

    async def keep_fresh(self, finder: GeoFinder) -> None:
        """For ever, if there is anything to copy: take what has changed, and open it in this process."""
        while self._sources:
            await asyncio.sleep(REFRESH_SECONDS)
            await asyncio.to_thread(self.refresh)
            finder.refresh()


def _has_changed(source: Path, copy: Path) -> bool:
    new, old = source.stat(), copy.stat()
    return (new.st_size, new.st_mtime_ns) != (old.st_size, old.st_mtime_ns)


def _copy(source: Path, copy: Path) -> None:
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = copy.with_suffix(".new")
    try:
        shutil.copy2(source, fresh)  # with its time, by which a later change is noticed
        maxminddb.open_database(fresh, maxminddb.MODE_AUTO).close()
        fresh.replace(copy)
    finally:
        fresh.unlink(missing_ok=True)
