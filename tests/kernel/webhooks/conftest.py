"""A webhook service that may call 127.0.0.1, and a key pair that signs."""

from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network

import pytest

from oxbow.kernel.accounts import Account, KeyPair
from oxbow.kernel.database import Database
from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.webhooks.service import WebhookService

ACCOUNT = 1
PAIR = KeyPair("callback-access-key", "callback-secret-key", Account(ACCOUNT, "root"), True, "", 1)


async def find_pair(account: int) -> KeyPair | None:
    return PAIR if account == ACCOUNT else None


@pytest.fixture
async def client() -> AsyncIterator[OutboundClient]:
    client = OutboundClient([ip_network("127.0.0.1/32")])
    yield client
    await client.close()


@pytest.fixture
async def start(client: OutboundClient) -> AsyncIterator[Callable[[Database], WebhookService]]:
    """Opens services, as many as the test needs, on its database."""
    services: list[WebhookService] = []

    def start_one(database: Database) -> WebhookService:
        services.append(WebhookService(database, client, find_pair))
        services[-1].open()
        return services[-1]

    yield start_one
    for service in services:
        await service.close()


@pytest.fixture
async def webhooks(sqlite_database: Database, start: Callable[[Database], WebhookService]) -> WebhookService:
    return start(sqlite_database)
