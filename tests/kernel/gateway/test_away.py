"""The API while its database is away: signatures are still checked, and the answer is a quick 503."""

import httpx
import pytest

from oxbow.kernel.accounts import AccountService, AccountStore
from oxbow.kernel.gateway import create_app
from oxbow.kernel.health import Health
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.settings import KernelSettings
from oxbow.testing.signing import QiniuAuth

from .conftest import AK, SK


@pytest.fixture
async def client(postgres_database, tmp_path):
    settings = KernelSettings(home=tmp_path, root_access_key=AK, root_secret_key=SK)
    accounts, health = AccountService(AccountStore(postgres_database)), Health()
    await accounts.open(settings)
    health.add("database", postgres_database.ping)
    app = create_app(settings, accounts=accounts, metrics=Metrics(), health=health)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", auth=QiniuAuth(AK, SK)) as client:
        yield client


@pytest.mark.postgres
async def test_503_until_it_is_back(client, postgres_server):
    assert (await client.get("/v2/keys")).status_code == 200
    postgres_server.stop()
    try:
        answers = [await client.get("/v2/keys") for _ in range(2)]
        assert [(answer.status_code, list(answer.json())) for answer in answers] == [(503, ["error"])] * 2
        assert (await client.get("/v2/keys", auth=QiniuAuth(AK, "wrong"))).status_code == 401
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["error"].startswith("not ready: database (")) == (503, True)
        assert (await client.get("/healthz")).status_code == 200
    finally:
        postgres_server.start()
    assert (await client.get("/v2/keys")).status_code == 200
    assert (await client.get("/readyz")).json() == {"ready": ["database"]}
