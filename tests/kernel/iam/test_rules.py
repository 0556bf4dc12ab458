"""Policies that cannot be used, limits, explanations, and answers in the shape that the Go client reads.

The shapes are those of the structs in https://github.com/qiniu/go-sdk, directory iam/apis.
"""

from __future__ import annotations

from typing import Any

import pytest

from oxbow.kernel.iam.models import KEYS_LIMIT, LINKS_LIMIT, PATTERNS_LIMIT, STATEMENTS_LIMIT

from .conftest import Api, written

pytestmark = pytest.mark.asyncio(loop_scope="session")

GOOD = written("Allow", "pili/GetHub", "qrn:pili:::live")


async def wrong(api: Api, path: str, body: Any, method: str = "POST") -> str:
    answer = await api.call(method, path, body)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


@pytest.mark.parametrize(
    ("field", "statement"),
    [
        ("statement.1.effect", GOOD | {"effect": "Perhaps"}),
        ("statement.1.action.0", GOOD | {"action": ["pili/.*"]}),
        ("statement.1.action.1", GOOD | {"action": ["pili/GetHub", "pili/NoSuchThing"]}),
        ("statement.1.resource.0", GOOD | {"resource": ["live"]}),
        ("statement.1.resource.0", GOOD | {"resource": ["qrn:nosuch:::live"]}),
        ("statement.1.resource.0", GOOD | {"resource": ["qrn:pili:::bucket/live"]}),
        ("statement.1.resource.0", GOOD | {"resource": ["qrn:pili::2:live"]}),
        ("statement.1.resource.0", GOOD | {"resource": ["(((((((((" + "*" * 200]}),
        ("action", GOOD | {"action": []}),
        ("resource", GOOD | {"resource": []}),
        ("action", GOOD | {"action": ["*"] * (PATTERNS_LIMIT + 1)}),
        ("resource", GOOD | {"resource": ["*"] * (PATTERNS_LIMIT + 1)}),
        ("action", GOOD | {"action": ["a" * 100_000]}),
        ("action", GOOD | {"action": "pili/GetHub"}),
        ("resource", GOOD | {"resource": [["*"]]}),
        ("resource", {"effect": "Allow", "action": ["*"]}),
    ],
)
async def test_a_bad_policy_is_refused_by_the_name_of_its_field(api: Api, field: str, statement: Any):
    error = await wrong(api, "/iam/v1/policies", {"alias": "bad", "statement": [GOOD, statement]})
    assert field in error


async def test_a_policy_has_a_bounded_number_of_statements(api: Api):
    for statements in ([], [GOOD] * (STATEMENTS_LIMIT + 1), "all", None):
        assert "statement" in await wrong(api, "/iam/v1/policies", {"alias": "a", "statement": statements})


async def test_the_largest_policies_decide_all_the_same(api: Api):
    """All a user can have: 20 policies of 20 statements with 100 patterns each."""
    await api.add_user("alice")
    names = [f"qrn:pili:::hub-{number}-*" for number in range(PATTERNS_LIMIT)]
    statement = {"effect": "Allow", "action": ["pili/Get*"] * PATTERNS_LIMIT, "resource": names}
    aliases = [f"bomb-{number}" for number in range(LINKS_LIMIT)]
    for alias in aliases:
        body = {"alias": alias, "statement": [statement] * STATEMENTS_LIMIT}
        await api.ok("POST", "/iam/v1/policies", body)
    await api.ok("POST", "/iam/v1/users/alice/policies", {"policy_aliases": aliases})
    await api.refused("GET", "/v2/hubs/live", by="alice")
    assert (await api.call("GET", "/v2/hubs/hub-99-x", by="alice")).status_code != 403


@pytest.mark.parametrize("alias", ["", ".a", "a b", "a/b", "a\0", "ä", "a" * 65, "-a", None, 7])
@pytest.mark.parametrize("path", ["users", "groups", "policies"])
async def test_aliases_are_plain(api: Api, path: str, alias: Any):
    body = {"alias": alias} | ({"statement": [GOOD]} if path == "policies" else {})
    assert "alias" in await wrong(api, f"/iam/v1/{path}", body)


async def test_a_user_has_two_keys_at_most(api: Api):
    await api.add_user("alice")
    for _ in range(KEYS_LIMIT - 1):
        await api.ok("POST", "/iam/v1/users/alice/keypairs")
    assert str(KEYS_LIMIT) in await wrong(api, "/iam/v1/users/alice/keypairs", None)


async def test_a_user_has_a_bounded_number_of_policies(api: Api):
    await api.add_user("alice")
    for number in range(LINKS_LIMIT + 1):
        await api.add_policy(f"p{number}", ("Allow", "pili/GetHub", "*"))
    body = {"policy_aliases": [f"p{number}" for number in range(LINKS_LIMIT + 1)]}
    assert "policy_aliases" in await wrong(api, "/iam/v1/users/alice/policies", body)
    assert (await api.ok("GET", "/iam/v1/users/alice/policies"))["data"]["count"] == 0


@pytest.mark.parametrize("query", ["page=-1", "page=x", "page_size=2001", "page_size=1e3"])
async def test_pages_are_bounded(api: Api, query: str):
    assert query.partition("=")[0] in await wrong(api, f"/iam/v1/users?{query}", None, "GET")


@pytest.mark.parametrize(
    ("query", "field"), [("start_time=yesterday", "start_time"), ("end_time=2026-01-01", "end_time"),
                         ("action=GetHub", "service"), ("marker=x", "marker"), ("limit=2001", "limit")]
)  # fmt: skip
async def test_questions_to_the_audit_name_what_is_wrong(api: Api, query: str, field: str):
    assert field in await wrong(api, f"/iam/v1/audits?{query}", None, "GET")


class TestExplain:
    async def ask(self, api: Api, action: str, resource: str = "*") -> tuple[bool, str, str, int]:
        body = {"user": "alice", "action": action, "resource": resource}
        told = await api.ok("POST", "/iam/v1/explain", body)
        return told["allowed"], told["reason"], told["policy"], told["number"]

    async def test_the_statement_that_decides_is_named(self, api: Api):
        await api.add_user(
            "alice", ("Allow", "pili/*", "qrn:pili:::test-*"), ("Deny", "*", "qrn:pili:::test-1")
        )
        assert await self.ask(api, "pili/GetHub", "qrn:pili:::test-2") == (True, "allowed", "of-alice", 0)
        assert await self.ask(api, "pili/GetHub", "qrn:pili:::test-1") == (False, "denied", "of-alice", 1)
        assert await self.ask(api, "pili/GetHub", "qrn:pili:::live") == (False, "not_granted", "", -1)
        assert await self.ask(api, "pili/GetHub") == (False, "denied", "of-alice", 1)
        await api.ok("PATCH", "/iam/v1/users/alice", {"enabled": False})
        assert (await self.ask(api, "pili/GetHub", "qrn:pili:::test-2"))[:2] == (False, "user_disabled")

    async def test_things_of_other_services(self, api: Api):
        await api.add_user("alice", ("Allow", "*", "qrn:pili:::live"))
        assert (await self.ask(api, "tasks/GetTask", "qrn:pili:::live"))[0]
        assert not (await self.ask(api, "tasks/GetTask", "qrn:kodo:::live"))[0]
        assert not (await self.ask(api, "kodo/Upload", "qrn:kodo:::live"))[0]

    async def test_odd_questions(self, api: Api):
        await api.add_user("alice")
        for body, field in (
            ({"user": "alice", "action": "pili/GetHub", "resource": "qrn:kodo:::x"}, "resource"),
            ({"user": "alice", "action": "pili/GetHub", "resource": "qrn:pili:::x*"}, "resource"),
            ({"user": "alice", "action": "pili/GetHub", "resource": "x"}, "resource"),
        ):
            assert field in await wrong(api, "/iam/v1/explain", body)
        for body in ({"user": "bob", "action": "pili/GetHub"}, {"user": "alice", "action": "pili/Get*"}):
            assert (await api.call("POST", "/iam/v1/explain", body)).status_code == 404


USER = {"id": str, "root_uid": int, "iuid": int, "alias": str, "created_at": str, "updated_at": str,
        "last_login_time": str, "enabled": bool}  # fmt: skip
GROUP = {"id": str, "root_uid": int, "alias": str, "description": str, "enabled": bool, "created_at": str,
         "updated_at": str}  # fmt: skip
POLICY = GROUP | {"edit_type": int, "statement": list}
KEY = {"id": str, "access_key": str, "secret_key": str, "user_id": str, "created_at": str, "enabled": bool}
ACTION = {"id": str, "name": str, "alias": str, "service": str, "scope": int, "enabled": bool,
          "created_at": str, "updated_at": str}  # fmt: skip
AUDIT = {"id": str, "root_uid": int, "iuid": int, "service": str, "action": str, "created_at": str,
         "event_time": str, "duration_ms": int, "source_ip": str, "user_event": str, "error_code": int,
         "error_message": str}  # fmt: skip
ONES = {"users/alice": USER, "groups/friends": GROUP, "policies/p": POLICY}
LISTS = {
    "users": USER, "groups": GROUP, "policies": POLICY, "users/alice/keypairs": KEY, "actions": ACTION,
    "users/alice/policies": POLICY, "users/alice/groups": GROUP, "groups/friends/users": USER,
    "groups/friends/policies": POLICY, "policies/p/users": USER, "policies/p/groups": GROUP,
}  # fmt: skip


def assert_shape(item: dict[str, Any], shape: dict[str, type]) -> None:
    assert {name: type(item.get(name)) for name in shape} == shape


async def test_every_answer_has_the_clients_shape(api: Api):
    user = (await api.ok("POST", "/iam/v1/users", {"alias": "alice", "password": "password1"}))["data"]
    group = (await api.ok("POST", "/iam/v1/groups", {"alias": "friends"}))["data"]
    policy = (await api.ok("POST", "/iam/v1/policies", {"alias": "p", "statement": [GOOD]}))["data"]
    key = (await api.ok("POST", "/iam/v1/users/alice/keypairs"))["data"]
    for item, shape in ((user, USER), (group, GROUP), (policy, POLICY), (key, KEY)):
        assert_shape(item, shape)
    assert policy["statement"] == [GOOD]
    links = {
        "users/alice": ("policy", "p"),
        "groups/friends": ("user", "alice"),
        "policies/p": ("group", "friends"),
    }
    for path, (kind, alias) in links.items():
        plural = {"policy": "policies"}.get(kind, f"{kind}s")
        assert await api.ok("POST", f"/iam/v1/{path}/{plural}", {f"{kind}_aliases": [alias]}) == {}
    for path, shape in ONES.items():
        assert_shape((await api.ok("GET", f"/iam/v1/{path}"))["data"], shape)
    for path, shape in LISTS.items():
        data = (await api.ok("GET", f"/iam/v1/{path}"))["data"]
        assert data["count"] >= 1, path
        assert_shape(data["list"][0], shape)
    audits = (await api.ok("GET", "/iam/v1/audits"))["data"]
    assert type(audits["marker"]) is str
    assert_shape(audits["list"][0], AUDIT)
    assert (await api.ok("GET", "/iam/v1/users/alice/services"))["data"] == ["pili"]
    path = "/iam/v1/users/alice/services/pili/actions/GetHub/resources"
    assert (await api.ok("GET", path))["data"] == {"allow": ["qrn:pili::1:live"], "deny": []}
    assert {"iam", "kodo", "pili"} <= set((await api.ok("GET", "/iam/v1/services"))["data"])
