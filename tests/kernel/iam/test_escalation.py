"""What users try who want more than they were granted."""

import pytest
import pytest_asyncio

from oxbow.testing.signing import QiniuAuth

from .conftest import Api, written

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYTHING = written("Allow", "*", "*")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(api: Api) -> Api:
    """The user `admin` manages users, and may do everything with hubs that are called test-something."""
    await api.add_user("admin", ("Allow", "iam/*", "*"), ("Allow", "pili/*", "qrn:pili:::test-*"))
    await api.add_user("boss", ("Allow", "*", "*"))
    await api.add_user("alice")
    return api


async def refused(api: Api, method: str, path: str, body: object = None, by: str = "admin") -> None:
    answer = await api.call(method, path, body, by=by)
    assert answer.status_code == 403, answer.text
    assert "access denied" in answer.json()["error"]


async def test_an_admin_may_hand_on_what_it_has(admin: Api):
    await admin.add_policy("testers", ("Allow", "pili/Get*", "qrn:pili:::test-1"), by="admin")
    await admin.ok("POST", "/iam/v1/users/alice/policies", {"policy_aliases": ["testers"]}, by="admin")
    await admin.ok("POST", "/v2/hubs", {"name": "test-1"})
    await admin.ok("GET", "/v2/hubs/test-1", by="alice")


async def test_it_cannot_hand_on_more(admin: Api):
    await admin.ok("POST", "/iam/v1/policies", {"alias": "all", "statement": [EVERYTHING]}, by="admin")
    for alias in ("alice", "admin"):
        await refused(admin, "PATCH", f"/iam/v1/users/{alias}/policies", {"policy_aliases": ["all"]})
        await refused(admin, "POST", "/iam/v1/policies/all/users", {"user_aliases": [alias]})
    assert (await admin.ok("GET", "/iam/v1/users/alice/policies"))["data"]["count"] == 0


async def test_nor_by_a_group(admin: Api):
    await admin.add_policy("all", ("Allow", "*", "*"))
    await admin.ok("POST", "/iam/v1/groups", {"alias": "friends"}, by="admin")
    await admin.ok("PATCH", "/iam/v1/groups/friends/users", {"user_aliases": ["admin"]}, by="admin")
    await refused(admin, "PATCH", "/iam/v1/groups/friends/policies", {"policy_aliases": ["all"]})
    await admin.ok("POST", "/iam/v1/groups", {"alias": "bosses"})
    await admin.ok("PATCH", "/iam/v1/groups/bosses/policies", {"policy_aliases": ["all"]})
    await refused(admin, "PATCH", "/iam/v1/groups/bosses/users", {"user_aliases": ["admin"]})
    await refused(admin, "POST", "/iam/v1/users/admin/groups", {"group_aliases": ["bosses"]})


async def test_nor_by_changing_a_policy_it_has(admin: Api):
    await refused(admin, "PATCH", "/iam/v1/policies/of-admin", {"statement": [EVERYTHING]})


async def test_nor_by_the_keys_and_passwords_of_others(admin: Api):
    await refused(admin, "POST", "/iam/v1/users/boss/keypairs")
    await refused(admin, "PATCH", "/iam/v1/users/boss", {"password": "password1"})
    assert (await admin.ok("GET", "/iam/v1/users/boss/keypairs", by="admin"))["data"]["count"] == 1
    await admin.ok("POST", "/iam/v1/users/alice/keypairs", by="admin")


async def test_nor_by_the_accounts_own_keys(admin: Api):
    for by in ("admin", "boss"):
        await refused(admin, "POST", "/v2/keys", {}, by=by)
        await refused(admin, "POST", "/v2/keys/root-access-key/disable", by=by)
        await refused(admin, "DELETE", "/v2/keys/root-access-key", by=by)


async def test_nor_by_taking_away_what_denies_it(admin: Api):
    await admin.add_policy("not-1", ("Deny", "pili/*", "qrn:pili:::test-1"))
    await admin.ok("PATCH", "/iam/v1/users/admin/policies", {"policy_aliases": ["not-1"]})
    await refused(admin, "DELETE", "/iam/v1/users/admin/policies", {"policy_aliases": ["not-1"]})
    await refused(admin, "DELETE", "/iam/v1/policies/not-1")
    allow = [written("Allow", "pili/GetHub", "qrn:pili:::test-2")]
    await refused(admin, "PATCH", "/iam/v1/policies/not-1", {"statement": allow})


async def test_a_users_key_is_not_found_below_another_user(admin: Api):
    (key,) = (await admin.ok("GET", "/iam/v1/users/boss/keypairs"))["data"]["list"]
    answer = await admin.call("DELETE", f"/iam/v1/users/alice/keypairs/{key['access_key']}", by="admin")
    assert answer.status_code == 404
    answer = await admin.call("POST", "/iam/v1/users/alice/keypairs/root-access-key/disable", by="admin")
    assert answer.status_code == 404
    answer = await admin.call("POST", f"/v2/keys/{key['access_key']}/disable")
    assert answer.status_code == 404


async def test_the_secrets_of_users_are_told_once(admin: Api):
    key = (await admin.ok("POST", "/iam/v1/users/alice/keypairs"))["data"]
    for path in ("/iam/v1/users/alice/keypairs", "/v2/keys", "/v2/audit", "/iam/v1/audits?limit=2000"):
        assert key["secret_key"] not in str(await admin.ok("GET", path))


async def test_nobody_can_limit_the_account(admin: Api):
    keys = (await admin.ok("GET", "/v2/keys"))["items"]
    assert [key["accessKey"] for key in keys] == ["root-access-key"]
    answer = await admin.call("POST", "/v2/keys/root-access-key/disable")
    assert answer.status_code == 409, "a user's keys do not count: nobody could get back in with them"


async def test_a_disabled_user_is_answered_like_an_unknown_key(admin: Api):
    unknown = QiniuAuth("no-such-access-key", "secret")
    before = await admin.http.get("/v2/hubs", auth=unknown)
    await admin.ok("PATCH", "/iam/v1/users/boss", {"enabled": False})
    disabled = await admin.call("GET", "/v2/hubs", by="boss")
    assert (
        (disabled.status_code, disabled.json())
        == (before.status_code, before.json())
        == (401, {"error": "bad token"})
    )
    assert set(disabled.headers) == set(before.headers)
    await admin.ok("PATCH", "/iam/v1/users/boss", {"enabled": True})
    await admin.ok("GET", "/v2/hubs", by="boss")


async def test_a_deleted_user_is_gone_with_its_keys(admin: Api):
    await admin.ok("DELETE", "/iam/v1/users/boss")
    assert (await admin.call("GET", "/v2/hubs", by="boss")).status_code == 401
    await admin.ok("POST", "/iam/v1/users", {"alias": "boss"})
    assert (await admin.call("GET", "/v2/hubs", by="boss")).status_code == 401
    assert (await admin.ok("GET", "/iam/v1/users/boss/policies"))["data"]["count"] == 0


async def test_wrong_secrets_cost_the_same_for_users(admin: Api, monkeypatch: pytest.MonkeyPatch):
    """Known, unknown and disabled keys: each signature is computed, and compared, exactly once."""
    from oxbow.kernel.gateway import signature

    seen: list[str] = []
    verify = signature.verify

    def counted(credential, request, secret):
        seen.append(credential.access_key)
        return verify(credential, request, secret)

    monkeypatch.setattr(signature, "verify", counted)
    (key,) = (await admin.ok("GET", "/iam/v1/users/alice/keypairs"))["data"]["list"]
    seen.clear()
    for access_key in (key["access_key"], "unknown-access-key"):
        answer = await admin.http.get("/v2/hubs", auth=QiniuAuth(access_key, "wrong"))
        assert answer.status_code == 401
    assert len(seen) == 2
