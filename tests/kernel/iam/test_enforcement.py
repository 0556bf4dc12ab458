"""Every endpoint of the whole house asks what a user may do."""

from collections import defaultdict

import pytest

from oxbow.kernel.gateway.app import documented_routes
from oxbow.kernel.gateway.operations import PUBLIC_PATHS

from .conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


def guarded_routes(api: Api) -> list[tuple[str, str]]:
    """Methods and paths; what stands for a stream's title has its form."""
    routes = documented_routes(api.house.app)
    public = {*PUBLIC_PATHS, *api.house.storage.public_paths}
    return [(route.method, route.path) for route in routes if route.path not in public]


async def test_every_route_is_an_action_and_every_action_is_one_thing(api: Api):
    """Some functions have two routes, GET and POST, as clients use both; none share an action."""
    catalogue = api.house.catalogue
    functions = defaultdict(set)
    for route in catalogue.guarded():
        functions[catalogue.of(route).name.lower()].add(route.endpoint)
    assert {name: found for name, found in functions.items() if len(found) > 1} == {}
    elsewhere = {action.name.lower() for action in api.house.storage.iam_actions}
    assert not elsewhere & functions.keys()
    assert {action.name.lower() for action in catalogue} == functions.keys() | elsewhere


async def test_the_catalogue_knows_every_route_that_is_served(api: Api):
    known = {
        (method, route.path_format) for route in api.house.catalogue.guarded() for method in route.methods
    }
    assert known == set(guarded_routes(api))


async def test_actions_say_what_they_are(api: Api):
    assert all(action.description for action in api.house.catalogue)


async def test_a_user_without_a_policy_reaches_nothing(api: Api):
    await api.add_user("nobody")
    reached = []
    for method, path in guarded_routes(api):
        answer = await api.call(method, path.replace("{hub}", "live"), {}, by="nobody")
        if answer.status_code != 403 or "access denied" not in answer.json()["error"]:
            reached.append((method, path, answer.status_code))
    assert reached == []


async def test_a_user_who_was_granted_one_hub_reaches_nothing_of_another(api: Api):
    await api.add_user("alice", ("Allow", "*", "qrn:pili:::live"))
    reached = []
    for method, path in guarded_routes(api):
        if "{hub}" not in path:
            continue
        answer = await api.call(method, path.replace("{hub}", "other"), {}, by="alice")
        if answer.status_code != 403:
            reached.append((method, path, answer.status_code))
    assert reached == []


SOME_OF_THEM = {
    "GET /v2/hubs", "POST /v2/hubs", "GET /sslcert", "POST /sslcert", "GET /sslcert/{cert_id}",
    "DELETE /sslcert/{cert_id}", "GET /statd/upflow", "GET /statd/downflow", "GET /statd/downflow_rtc",
    "GET /statd/codec", "GET /statd/nrop", "GET /v2/refusals", "GET /v2/audit", "GET /iam/v1/audits",
    "GET /v2/tasks", "GET /v2/tasks/{task}", "POST /v2/tasks/{task}/retry", "POST /v2/tasks/{task}/cancel",
    "GET /v2/webhooks/deliveries", "GET /v2/webhooks/deliveries/{id}",
    "POST /v2/webhooks/deliveries/{id}/replay",
}  # fmt: skip
"""Routes that name no hub, and serve whoever was granted one: they leave out what is of others."""


async def test_what_names_no_hub_is_for_those_who_were_granted_all_but_for_what_leaves_others_out(api: Api):
    await api.add_user("alice", ("Allow", "*", "qrn:pili:::live"))
    reached = set()
    for method, path in guarded_routes(api):
        if "{hub}" not in path and (await api.call(method, path, {}, by="alice")).status_code != 403:
            reached.add(f"{method} {path}")
    assert reached == SOME_OF_THEM


async def test_a_refusal_names_what_is_missing(api: Api):
    await api.add_user("nobody")
    one = await api.call("GET", "/v2/hubs/live", by="nobody")
    assert one.json() == {"error": "access denied: pili/GetHub on qrn:pili::1:live was not granted"}
    all_ = await api.call("GET", "/v2/server", by="nobody")
    assert all_.json() == {"error": "access denied: oxbow/GetServer on qrn:oxbow::1:* was not granted"}


async def test_a_refusal_does_not_tell_whether_a_hub_is_there(api: Api):
    await api.add_user("nobody")
    answers = [await api.call("GET", f"/v2/hubs/{hub}", by="nobody") for hub in ("live", "missing")]
    texts = [answer.text.replace("missing", "live") for answer in answers]
    assert texts[0] == texts[1]


async def test_what_is_asked_for_is_not_read_before_it_is_allowed(api: Api):
    await api.add_user("nobody")
    answer = await api.http.post("/v2/hubs/live/security", content=b"{not json", auth=api.auths["nobody"])
    assert answer.status_code == 403


async def test_a_list_of_hubs_has_those_that_may_be_seen(api: Api):
    for hub in ("test-1", "test-2", "gold"):
        await api.ok("POST", "/v2/hubs", {"name": hub})
    await api.add_user("alice", ("Allow", "pili/*", "qrn:pili:::test-* qrn:pili:::live"))
    await api.add_policy("not-2", ("Deny", "pili/*", "qrn:pili:::test-2"))
    await api.ok("PATCH", "/iam/v1/users/alice/policies", {"policy_aliases": ["not-2"]})
    names = [item["name"] for item in (await api.ok("GET", "/v2/hubs", by="alice"))["items"]]
    assert names == ["live", "test-1"]
    assert len((await api.ok("GET", "/v2/hubs"))["items"]) == 4


async def test_a_hub_is_created_by_whoever_may_have_that_name(api: Api):
    await api.add_user("alice", ("Allow", "pili/*", "qrn:pili:::test-*"))
    await api.ok("POST", "/v2/hubs", {"name": "test-3"}, by="alice")
    for body in ({"name": "gold"}, {"name": "gold", "NAME": "test-4"}, {"NAME": "gold"}, {"name": "test"}):
        await api.call("POST", "/v2/hubs", body, by="alice")
    names = {item["name"] for item in (await api.ok("GET", "/v2/hubs"))["items"]}
    assert names <= {"live", "test-3", "test-4"}


async def test_tricks_in_paths_and_methods_reach_nothing(api: Api):
    await api.add_user("alice", ("Allow", "pili/*", "qrn:pili:::live"))
    await api.ok("POST", "/v2/hubs", {"name": "gold"})
    paths = ("/v2/hubs/live%2F..%2Fgold", "/v2/hubs/live/../gold", "/v2/hubs//gold", "/v2/hubs/gold%00",
             "/v2/hubs/gold/", "/v2/hubs/GOLD", "/v2/hubs/gold?hub=live", "/v2/hubs/gold;live")  # fmt: skip
    for path in paths:
        answer = await api.call("GET", path, by="alice")
        assert answer.status_code in (403, 404), (path, answer.text)
    head = await api.call("HEAD", "/v2/hubs/gold", by="alice")
    assert head.status_code in (403, 405)
    override = await api.http.get(
        "/v2/hubs/gold", headers={"X-HTTP-Method-Override": "DELETE"}, auth=api.auths["alice"]
    )
    assert override.status_code == 403


async def test_who_was_refused_left_no_change_and_no_audit(api: Api):
    await api.add_user("nobody")
    await api.call("POST", "/v2/hubs/live/security", {"publishSecurity": "none"}, by="nobody")
    assert (await api.ok("GET", "/v2/audit?actor=root/nobody"))["items"] == []


async def test_the_audit_names_the_user_and_the_action(api: Api):
    await api.add_user("alice", ("Allow", "pili/SetHub*", "qrn:pili:::live"))
    body = {"publishSecurity": "static", "publishKey": "s3cret"}
    await api.ok("POST", "/v2/hubs/live/security", body, by="alice")
    (item,) = (await api.ok("GET", "/v2/audit?actor=root/alice"))["items"]
    assert (item["action"], item["subject"]) == ("pili/SetHubSecurity", "hub/live")
    assert item["after"]["publish_key"] == "***"
