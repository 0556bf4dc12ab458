"""Looking addresses up. A look-up takes microseconds and no thread, so that a join can wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import maxminddb

from oxbow.kernel.geoip.areas import area_of
from oxbow.kernel.logs import get_logger

REMEMBERED = 8192
"""Addresses whose places are kept: HLS players ask several times a second from the same one."""
MAX_NAME = 64
LANGUAGES: Final = ("zh-CN", "en")

_OPERATORS: Final = (
    (("chinanet", "china telecom", "chinatelecom"), "电信"),
    (("china unicom", "chinaunicom", "china169", "unicom"), "联通"),
    (("china mobile", "chinamobile", "cmnet"), "移动"),
    (("cernet", "china education and research"), "教育网"),
)
"""What the networks of mainland operators are called in statistics, by what their names contain."""

log = get_logger(__name__)


class Place(NamedTuple):
    """Where an address is; empty strings for what the databases don't know."""

    area: str = ""
    """One of AREAS."""
    country: str = ""
    """ISO 3166 code."""
    location: str = ""
    """The city, else the province, else the country, by its Chinese name or else its English one."""
    isp: str = ""
    """The operator of the network."""


NOWHERE: Final = Place()


class GeoFinder:
    """Reads the copies that GeoCopies keeps; without any, everybody is NOWHERE and nothing costs anything."""

    def __init__(self, city: Path | None, asn: Path | None) -> None:
        self._paths = (city, asn)
        self._stamps: tuple[tuple[int, int] | None, ...] = (None, None)
        self._city: maxminddb.Reader | None = None
        self._asn: maxminddb.Reader | None = None
        self._find = lru_cache(REMEMBERED)(self._look_up)
        self.refresh()

    @property
    def knows_areas(self) -> bool:
        return self._city is not None

    def place(self, address: str) -> Place:
        """Of an IP address without port, brackets or not; NOWHERE for anything else."""
        if self._city is None and self._asn is None:
            return NOWHERE
        return self._find(address)

    def refresh(self) -> bool:
        """Open what was replaced since the last call; whether anything was. To be called now and then."""
        if self._paths == (None, None):
            return False
        stamps = tuple(map(_stamp, self._paths))
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        self._city, self._asn = map(_open, self._paths)
        self._find.cache_clear()
        return True

    def _look_up(self, address: str) -> Place:
        plain = address.strip("[]").partition("%")[0]
        try:
            city, asn = _get(self._city, plain), _get(self._asn, plain)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return NOWHERE
        country = _code(city, "country", "iso_code") or _code(city, "registered_country", "iso_code")
        area = area_of(country, _code(city, "continent", "code"))
        return Place(area, country, _location(city), _operator(asn, area))


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns) if found is not None else None


def _open(path: Path | None) -> maxminddb.Reader | None:
    if path is None:
        return None
    try:
        return maxminddb.open_database(path, maxminddb.MODE_AUTO)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        log.error("a geographic database can't be read", path=str(path), error=str(error))
        return None


def _get(reader: maxminddb.Reader | None, address: str) -> Mapping[str, Any]:
    found = reader.get(address) if reader is not None else None
    return found if isinstance(found, dict) else {}


def _code(record: Mapping[str, Any], part: str, name: str) -> str:
    value = record.get(part)
    code = value.get(name, "") if isinstance(value, dict) else ""
    return code if isinstance(code, str) else ""


def _location(record: Mapping[str, Any]) -> str:
    provinces = record.get("subdivisions")
    province = provinces[0] if isinstance(provinces, list) and provinces else None
    names = (_name(part) for part in (record.get("city"), province, record.get("country")))
    return next(filter(None, names), "")


def _name(part: object) -> str:
    names = part.get("names") if isinstance(part, dict) else None
    if not isinstance(names, dict):
        return ""
    found = next((names[language] for language in LANGUAGES if names.get(language)), "")
    return str(found)[:MAX_NAME]


def _operator(record: Mapping[str, Any], area: str) -> str:
    """From a database of operators (`isp`) or one of autonomous systems."""
    name = str(record.get("isp") or record.get("autonomous_system_organization") or "")[:MAX_NAME]
    if area == "cn" or not area:
        lower = name.lower()
        for parts, operator in _OPERATORS:
            if any(part in lower for part in parts):
                return operator
    return name
