"""Who may watch from where: a real server, publisher and viewer, and MaxMind databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from e2e.media import Clip, Publisher, eventually
from e2e.server import Server
from geo_databases import CHINANET, SHANGHAI, write_database
from oxbow.client import Client

pytestmark = pytest.mark.e2e

HUB, STREAM = "live", "stream"
DOMAIN = "flv.example.com"


@pytest.fixture
def server(new_server: Callable[..., Server], tmp_path: Path) -> Iterator[Server]:
    """127.0.0.1 is in Shanghai, and of China Telecom."""
    city = write_database(tmp_path / "city.mmdb", {"127.0.0.0/8": SHANGHAI})
    asn = write_database(tmp_path / "asn.mmdb", {"127.0.0.0/8": CHINANET})
    settings = {"geoip_city_database": city, "geoip_asn_database": asn}
    with new_server(**settings) as running:
        with running.client() as api:
            api.post(f"/v2/hubs/{HUB}/newdomains", {"domain": DOMAIN, "type": "liveHdl"})
        yield running


def is_live(api: Client) -> bool:
    return bool(api.get("/v2/server")["streams"])


def test_a_domain_is_not_for_areas_it_denies(server: Server, clip: Callable[[str], Clip]) -> None:
    with server.client() as api, Publisher(clip("h264+aac"), server.rtmp(f"{HUB}/{STREAM}")):
        eventually(lambda: is_live(api), "the stream to be live")

        def status() -> int:
            headers = {"Host": DOMAIN}
            url = server.http(f"{HUB}/{STREAM}.flv")
            with httpx.stream("GET", url, headers=headers, trust_env=False, timeout=20) as answer:
                return answer.status_code

        assert status() == 200
        api.post(f"/v2/hubs/{HUB}/domains/{DOMAIN}/areaLimit", {"deny": ["cn"]})
        eventually(lambda: status() == 403, "the area to be refused")
        api.post(f"/v2/hubs/{HUB}/domains/{DOMAIN}/areaLimit", {"allow": ["cn"]})
        eventually(lambda: status() == 200, "the area to be let in")
