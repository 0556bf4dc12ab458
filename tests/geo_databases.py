"""MaxMind databases to test with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

SHANGHAI = {
    "continent": {"code": "AS"},
    "country": {"iso_code": "CN", "names": {"en": "China", "zh-CN": "中国"}},
    "subdivisions": [{"names": {"en": "Shanghai", "zh-CN": "上海市"}}],
    "city": {"names": {"en": "Shanghai", "zh-CN": "上海"}},
}
CHINANET = {"autonomous_system_number": 4134, "autonomous_system_organization": "CHINANET-BACKBONE"}


def write_database(path: Path, networks: Mapping[str, Mapping[str, Any]]) -> Path:
    """A database that says so of each network, in place of what was there."""
    writer = MMDBWriter(6, "Test", ipv4_compatible=True)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), dict(record))
    fresh = path.with_suffix(".writing")
    writer.to_db_file(str(fresh))
    return fresh.replace(path)
