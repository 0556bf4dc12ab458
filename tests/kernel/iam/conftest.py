"""The whole API, with clients that sign for the account and for its users.

Building the app takes longer than any test, so that all tests of this directory share one house, which is put
in order after each of them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from sqlalchemy import delete

from oxbow.app import House
from oxbow.kernel.accounts.tables import UserRow
from oxbow.kernel.audit.store import AuditRow
from oxbow.kernel.iam.tables import GroupRow, PolicyRow
from oxbow.kernel.settings import KernelSettings
from oxbow.rooms.storage.store.tables import BucketRow
from oxbow.testing.signing import QiniuAuth

AK, SK = "root-access-key", "root-secret-key-1234"


@dataclass
class Api:
    """Requests by whom: `await api.call("GET", "/v2/hubs")` is the account's."""

    house: House
    http: httpx.AsyncClient
    auths: dict[str, QiniuAuth] = field(default_factory=lambda: {"root": QiniuAuth(AK, SK)})

    async def call(self, method: str, path: str, body: Any = None, *, by: str = "root") -> httpx.Response:
        return await self.http.request(method, path, json=body, auth=self.auths[by])

    async def ok(self, method: str, path: str, body: Any = None, *, by: str = "root") -> Any:
        response = await self.call(method, path, body, by=by)
        assert response.status_code == 200, response.text
        return response.json()

    async def refused(self, method: str, path: str, body: Any = None, *, by: str) -> str:
        response = await self.call(method, path, body, by=by)
        assert response.status_code == 403, response.text
        assert "access denied" in response.json()["error"]
        return str(response.json()["error"])

    async def add_user(self, alias: str, *statements: tuple[str, str, str]) -> None:
        """A user with a key, and a policy of (effect, actions, resources), both with blanks between."""
        await self.ok("POST", "/iam/v1/users", {"alias": alias})
        key = (await self.ok("POST", f"/iam/v1/users/{alias}/keypairs"))["data"]
        self.auths[alias] = QiniuAuth(key["access_key"], key["secret_key"])
        if statements:
            await self.add_policy(f"of-{alias}", *statements)
            body = {"policy_aliases": [f"of-{alias}"]}
            await self.ok("PATCH", f"/iam/v1/users/{alias}/policies", body)

    async def add_policy(self, alias: str, *statements: tuple[str, str, str], by: str = "root") -> None:
        body = {"alias": alias, "statement": [written(*statement) for statement in statements]}
        await self.ok("POST", "/iam/v1/policies", body, by=by)


def written(effect: str, actions: str, resources: str) -> dict[str, Any]:
    return {"effect": effect, "action": actions.split(), "resource": resources.split()}


async def open_house(home: Path, template: Path) -> House:
    """What answers requests: no workers, and no tasks that run."""
    home.mkdir(exist_ok=True)
    (home / "shm").mkdir(exist_ok=True)
    if not (home / "oxbow.db").exists():
        shutil.copy(template, home / "oxbow.db")
    settings = KernelSettings(home=home, shm_dir=home / "shm", root_access_key=AK, root_secret_key=SK)
    house = House(settings)
    await house.accounts.open(settings)
    await house.live.open()
    return house


async def close_house(house: House) -> None:
    await house.live.close()
    await house.database.close()


def client_of(house: House) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://127.0.0.1:7070")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(sqlite_template: Path) -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as home:  # Nothing here has to survive a power cut.
        house = await open_house(Path(home), sqlite_template)
        yield house
        await close_house(house)


@pytest_asyncio.fixture(loop_scope="session")
async def api(house: House) -> AsyncIterator[Api]:
    async with client_of(house) as http:
        api = Api(house, http)
        yield api
        await _put_in_order(api)


async def _put_in_order(api: Api) -> None:
    for hub in (await api.ok("GET", "/v2/hubs"))["items"]:
        if hub["name"] != "live":
            await api.ok("DELETE", f"/v2/hubs/{hub['name']}")
    async with api.house.database.session() as session:
        for row in (UserRow, GroupRow, PolicyRow, AuditRow, BucketRow):
            await session.execute(delete(row))
    await api.ok("POST", "/iam/v1/users", {"alias": "last"})  # Whoever remembers users hears of it.
    await api.ok("DELETE", "/iam/v1/users/last")
