"""Where addresses are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geo_databases import CHINANET, SHANGHAI, write_database
from oxbow.kernel.geoip import AREAS, NOWHERE, GeoFinder, Place, area_of


def country(code: str, continent: str) -> dict[str, Any]:
    return {"continent": {"code": continent}, "country": {"iso_code": code, "names": {"en": f"Land {code}"}}}


@pytest.fixture
def city(tmp_path: Path) -> Path:
    networks = {
        "1.2.0.0/16": SHANGHAI,
        "5.0.0.0/8": country("DE", "EU"),
        "2001:db8::/32": country("US", "NA"),
        "9.0.0.0/8": {"registered_country": {"iso_code": "HK"}, "traits": {"is_anycast": True}},
        "10.0.0.0/8": {"country": "nonsense", "subdivisions": [], "city": {"names": {}}},
    }
    return write_database(tmp_path / "city.mmdb", networks)


@pytest.fixture
def asn(tmp_path: Path) -> Path:
    networks = {
        "1.2.0.0/16": CHINANET,
        "5.0.0.0/8": {"isp": "Deutsche Telekom AG", "autonomous_system_organization": "DTAG"},
    }
    return write_database(tmp_path / "asn.mmdb", networks)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("1.2.3.4", Place("cn", "CN", "上海", "电信")),
        ("5.6.7.8", Place("emea", "DE", "Land DE", "Deutsche Telekom AG")),
        ("2001:db8::1", Place("am", "US", "Land US", "")),
        ("[2001:db8::1]", Place("am", "US", "Land US", "")),
        ("9.9.9.9", Place("hk", "HK", "", "")),
        ("10.1.1.1", NOWHERE),
        ("192.168.1.1", NOWHERE),
        ("no address", NOWHERE),
        ("", NOWHERE),
    ],
)
def test_places(city: Path, asn: Path, address: str, place: Place) -> None:
    assert GeoFinder(city, asn).place(address) == place


def test_each_database_is_of_use_alone(city: Path, asn: Path) -> None:
    assert GeoFinder(city, None).place("1.2.3.4") == Place("cn", "CN", "上海", "")
    assert GeoFinder(None, asn).place("1.2.3.4") == Place("", "", "", "电信")
    assert [GeoFinder(city, None).knows_areas, GeoFinder(None, asn).knows_areas] == [True, False]


def test_without_any_nothing_is_looked_up() -> None:
    finder = GeoFinder(None, None)
    assert finder.place("1.2.3.4") is NOWHERE
    assert not finder.refresh()


def test_a_replaced_database_counts_from_the_next_look(city: Path) -> None:
    finder = GeoFinder(city, None)
    assert finder.place("1.2.3.4").area == "cn"
    write_database(city, {"1.2.0.0/16": country("JP", "AS")})
    assert finder.place("1.2.3.4").area == "cn"
    assert finder.refresh()
    assert finder.place("1.2.3.4").area == "apac"
    assert not finder.refresh()


@pytest.mark.parametrize(
    ("code", "continent", "area"),
    [
        *(("CN", "AS", "cn"), ("HK", "AS", "hk"), ("TW", "AS", "tw"), ("MO", "AS", "apac")),
        *(("JP", "AS", "apac"), ("AU", "OC", "apac"), ("SA", "AS", "emea"), ("TR", "AS", "emea")),
        *(("BR", "SA", "am"), ("US", "NA", "am"), ("ZA", "AF", "emea"), ("RU", "EU", "emea")),
        *(("", "EU", "emea"), ("", "", ""), ("XX", "??", "")),
    ],
)
def test_areas(code: str, continent: str, area: str) -> None:
    assert area_of(code, continent) == area
    assert not area or area in AREAS
