"""The areas that traffic is counted by, as the pages on statistics below https://developer.qiniu.com/pili
list them.

They name six and no borders between them. Here Macao is of `apac`, as what is neither the mainland,
Hong Kong nor Taiwan; the Middle East with Turkey and the Caucasus is of `emea`, the rest of Asia of `apac`.
"""

from __future__ import annotations

from typing import Final

AREAS: Final = ("cn", "hk", "tw", "apac", "am", "emea")

_WEST_ASIA: Final = (
    *("AE", "AM", "AZ", "BH", "CY", "GE", "IL", "IQ", "IR", "JO"),
    *("KW", "LB", "OM", "PS", "QA", "SA", "SY", "TR", "YE"),
)
_BY_COUNTRY: Final = {"CN": "cn", "HK": "hk", "TW": "tw", **dict.fromkeys(_WEST_ASIA, "emea")}
_BY_CONTINENT: Final = {
    "AS": "apac",
    "OC": "apac",
    "AN": "apac",
    "NA": "am",
    "SA": "am",
    "EU": "emea",
    "AF": "emea",
}


def area_of(country: str, continent: str) -> str:
    """The area of an ISO 3166 country on one of MaxMind's continents; empty if neither is known."""
    return _BY_COUNTRY.get(country) or _BY_CONTINENT.get(continent, "")
