"""`oxbow user`, `oxbow policy` and `oxbow may`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Oxbow = Callable[..., Result]

PAGE = "?page=1&page_size=2000"
USER = {"alias": "alice", "enabled": True, "created_at": "2026-01-01T00:00:00Z"}
PAIR = {"access_key": "AK", "secret_key": "SK", "enabled": False, "created_at": "2026-01-01T00:00:00Z"}
ALLOW = {"effect": "Allow", "action": ["pili/Get*"], "resource": ["qrn:pili:::live"]}
DENY = {"effect": "Deny", "action": ["*"], "resource": ["qrn:pili:::gold"]}


def listed(*items: object) -> dict[str, object]:
    return {"data": {"count": len(items), "list": items}}


def test_users_are_listed(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", f"/iam/v1/users{PAGE}", listed(USER))
    assert "alice  enabled  2026-01-01T00:00:00Z" in oxbow("user", "list").output
    assert json.loads(oxbow("user", "list", "--json").output) == [USER]


def test_a_new_user_gets_a_key(api: Any, oxbow: Oxbow) -> None:
    api.answer("POST", "/iam/v1/users", {"data": USER})
    api.answer("POST", "/iam/v1/users/alice/keypairs", {"data": PAIR})
    output = oxbow("user", "create", "alice").output
    assert "access key  AK" in output
    assert "secret key  SK" in output
    assert api.asked[0] == ("POST", "/iam/v1/users", {"alias": "alice"})


@pytest.mark.parametrize(("command", "enabled"), [("enable", True), ("disable", False)])
def test_users_are_switched(api: Any, oxbow: Oxbow, command: str, enabled: bool) -> None:
    api.answer("PATCH", "/iam/v1/users/alice", {"data": USER})
    assert oxbow("user", command, "alice").exit_code == 0
    assert api.asked == [("PATCH", "/iam/v1/users/alice", {"enabled": enabled})]


def test_users_and_keys_are_deleted(api: Any, oxbow: Oxbow) -> None:
    api.answer("DELETE", "/iam/v1/users/alice", {})
    api.answer("DELETE", "/iam/v1/users/alice/keypairs/AK", {})
    assert oxbow("user", "delete", "alice", "--yes").output == "deleted alice\n"
    assert oxbow("user", "keys", "alice", "--delete", "AK").output == "deleted AK\n"


def test_keys_are_listed_without_secrets_and_made(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", f"/iam/v1/users/alice/keypairs{PAGE}", listed(PAIR))
    api.answer("POST", "/iam/v1/users/alice/keypairs", {"data": PAIR})
    shown = oxbow("user", "keys", "alice").output
    assert "AK          disabled" in shown
    assert "SK" not in shown
    assert "secret key  SK" in oxbow("user", "keys", "alice", "--new").output


def test_odd_names_stay_one_part_of_the_path(api: Any, oxbow: Oxbow) -> None:
    assert oxbow("user", "disable", "a/../b").exit_code == 1
    assert api.asked[0][1] == "/iam/v1/users/a%2F..%2Fb"


def test_a_policy_is_written_by_options_or_in_a_file(api: Any, oxbow: Oxbow, tmp_path: Path) -> None:
    api.answer("POST", "/iam/v1/policies", {"data": {}})
    oxbow(
        "policy", "create", "p", "--allow", "pili/Get*", "qrn:pili:::live", "--deny", "*", "qrn:pili:::gold"
    )
    file = tmp_path / "policy.json"
    file.write_text(json.dumps([ALLOW, DENY]))
    oxbow("policy", "create", "p", "--file", str(file))
    bodies = [body for _, _, body in api.asked]
    assert bodies == [{"alias": "p", "description": "", "statement": [ALLOW, DENY]}] * 2


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_policy_that_says_nothing_is_a_wrong_usage(
    api: Any, oxbow: Oxbow, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(content or "[]")
    assert oxbow("policy", "create", "p", "--file", str(file)).exit_code == 2
    assert api.asked == []


def test_policies_are_shown(api: Any, oxbow: Oxbow) -> None:
    item = {"alias": "p", "description": "what for", "statement": [ALLOW, DENY]}
    api.answer("GET", f"/iam/v1/policies{PAGE}", listed(item))
    api.answer("GET", "/iam/v1/policies/p", {"data": item})
    assert "p       2           what for" in oxbow("policy", "list").output
    assert "Deny    *          qrn:pili:::gold" in oxbow("policy", "show", "p").output


def test_policies_are_attached_detached_and_deleted(api: Any, oxbow: Oxbow) -> None:
    for method, path in (("PATCH", "users/alice/policies"), ("DELETE", "users/alice/policies"),
                         ("DELETE", "policies/p")):  # fmt: skip
        api.answer(method, f"/iam/v1/{path}", {})
    assert oxbow("policy", "attach", "p", "alice").output == "alice has p\n"
    assert oxbow("policy", "detach", "p", "alice").output == "alice has p no more\n"
    assert oxbow("policy", "delete", "p", "--yes").output == "deleted p\n"
    assert [body for _, _, body in api.asked] == [{"policy_aliases": ["p"]}] * 2 + [None]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("allowed", "yes: pili/GetHub on qrn:pili::1:live is allowed by statement 0 of the policy p\n"),
        ("denied", "no: pili/GetHub on qrn:pili::1:live is denied by statement 0 of the policy p\n"),
        ("not_granted", "no: no statement allows pili/GetHub on qrn:pili::1:live\n"),
        ("user_disabled", "no: the user is disabled\n"),
    ],
)
def test_may_says_why(api: Any, oxbow: Oxbow, reason: str, said: str) -> None:
    facts = {"action": "pili/GetHub", "resource": "qrn:pili::1:live", "policy": "p", "number": 0}
    api.answer("POST", "/iam/v1/explain", {"allowed": reason == "allowed", "reason": reason, **facts})
    assert oxbow("may", "alice", "pili/GetHub", "qrn:pili:::live").output == said
