"""Metrics, liveness and readiness."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from oxbow.kernel import health as health_module
from oxbow.kernel.gateway import documented_routes


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    return {
        tuple(sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


async def test_requests_are_counted_by_route_and_not_by_path(client, stranger):
    for path in ("/v2/hubs/a", "/v2/hubs/b", "/v2/fail/exists", "/v2/nowhere/1", "/v2/nowhere/2"):
        await client.get(path)
    await client.request("BREW", "/v2/hubs/a")
    counts = samples((await stranger.get("/metrics")).text, "oxbow_http_requests_total")
    assert counts == {
        ("GET", "/v2/hubs/{hub}", "200"): 2,
        ("GET", "/v2/fail/{how}", "614"): 1,
        ("GET", "none", "404"): 2,
        ("other", "/v2/hubs/{hub}", "405"): 1,
    }


async def test_a_room_registers_collectors_of_its_own(api, stranger):
    from prometheus_client.core import GaugeMetricFamily

    class Viewers:
        def collect(self):
            yield GaugeMetricFamily("oxbow_viewers", "Who watches.", value=7)

    api.metrics.register(Viewers())
    assert samples((await stranger.get("/metrics")).text, "oxbow_viewers") == {(): 7}


async def test_the_process_is_alive(stranger):
    response = await stranger.get("/healthz")
    assert (response.status_code, response.json()) == (200, {})


async def test_ready_when_every_check_passes(api, stranger, sqlite_database):
    api.health.add("database", sqlite_database.ping)
    response = await stranger.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": ["database"]})


async def test_what_is_not_ready_is_named(api, stranger, monkeypatch):
    monkeypatch.setattr(health_module, "CHECK_SECONDS", 0.01)

    async def no_workers():
        raise RuntimeError("0 of 2 running")

    async def fine():
        pass

    api.health.add("workers", no_workers)
    api.health.add("fine", fine)
    api.health.add("storage", asyncio.Event().wait)
    response = await stranger.get("/readyz")
    assert response.status_code == 503
    assert response.json()["error"] == (
        "not ready: workers (0 of 2 running), storage (no answer within 0.01 seconds)"
    )


def test_every_route_is_described(api):
    rows = documented_routes(api.app)
    assert {(row.method, row.path) for row in rows} >= {
        ("GET", "/metrics"),
        ("DELETE", "/v2/keys/{access_key}"),
    }
    assert [row for row in rows if not row.summary] == []
