"""Who was granted one hub or one bucket works with all that belongs to it, and sees nothing of the others."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode

import pytest
import pytest_asyncio

from certificates import Authority
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.webhooks.models import Hook
from oxbow.rooms.live.domain_tasks import BIND

from .conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")
MINE = ("Allow", "*", "qrn:pili:::mine")


@pytest_asyncio.fixture(loop_scope="session")
async def two(api: Api) -> Api:
    """The hubs `mine`, which alice was granted, and `gold`, which she was not."""
    for hub in ("mine", "gold"):
        await api.ok("POST", "/v2/hubs", {"name": hub})
    await api.add_user("alice", MINE)
    return api


class TestUsage:
    async def used(self, api: Api) -> None:
        for hub, quantity in (("mine", 10), ("gold", 1000)):
            dimensions = {"hub": hub, "domain": "", "area": "cn", "protocol": "rtmp"}
            api.house.metering.add("live.upflow", 1, time.time(), quantity, dimensions)
        await api.house.metering.flush()

    async def sums(self, api: Api, by: str, **query: str) -> dict[str, int]:
        day = time.strftime("%Y%m%d", time.localtime(time.time() - 86_400))
        path = f"/statd/upflow?begin={day}&g=month&select=flow&group=hub"
        extra = "".join(f"&{name}={value}" for name, value in query.items())
        rows = await api.ok("GET", path + extra, by=by)
        groups = {name for row in rows for name in row["values"]}
        return {hub: sum(row["values"].get(hub, {"flow": 0})["flow"] for row in rows) for hub in groups}

    async def test_sums_are_those_of_the_granted_hubs(self, two: Api):
        await self.used(two)
        assert {"mine", "gold"} <= (await self.sums(two, "root")).keys()
        assert set(await self.sums(two, "alice")) == {"mine"}
        assert set(await self.sums(two, "alice", **{"$hub": "!mine"})) == set()

    async def test_another_hub_cannot_be_asked_for(self, two: Api):
        day = time.strftime("%Y%m%d")
        path = f"/statd/upflow?begin={day}&g=day&select=flow&$hub=mine&$hub=gold"
        assert "pili/GetStatdUpflow on qrn:pili::1:gold" in await two.refused("GET", path, by="alice")

    async def test_whose_hubs_are_not_there_yet_is_told_nothing(self, api: Api):
        await api.add_user("alice", ("Allow", "*", "qrn:pili:::later"))
        day = time.strftime("%Y%m%d")
        await api.refused("GET", f"/statd/upflow?begin={day}&g=day&select=flow", by="alice")

    async def test_what_knows_no_hubs_takes_all(self, two: Api):
        await two.refused("GET", "/statd/pub", by="alice")


class TestTasks:
    async def started(self, api: Api) -> dict[str, str]:
        found = {}
        for hub in ("mine", "gold"):
            arguments = {"hub": hub, "domain": f"{hub}.example.com"}
            task = await api.house.tasks.start(
                BIND, account=1, subject=arguments["domain"], arguments=arguments
            )
            found[hub] = task.id
        return found

    async def test_the_list_has_those_of_the_granted_hubs(self, two: Api):
        started = await self.started(two)
        seen = {item["id"] for item in (await two.ok("GET", "/v2/tasks?limit=1000", by="alice"))["items"]}
        assert started["mine"] in seen
        assert started["gold"] not in seen

    async def test_a_page_with_few_items_has_a_marker_all_the_same(self, two: Api):
        await self.started(two)
        page = await two.ok("GET", "/v2/tasks?limit=1", by="alice")
        assert page["items"] == []
        assert page["marker"]
        following = await two.ok("GET", f"/v2/tasks?limit=1&marker={page['marker']}", by="alice")
        assert [item["subject"] for item in following["items"]] == ["mine.example.com"]

    async def test_others_are_not_found_and_cannot_be_steered(self, two: Api):
        started = await self.started(two)
        missing = await two.call("GET", "/v2/tasks/nosuchtask", by="alice")
        for method, path in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
            answer = await two.call(method, f"/v2/tasks/{started['gold']}{path}", by="alice")
            assert (answer.status_code, answer.text) == (missing.status_code, missing.text)
        await two.ok("POST", f"/v2/tasks/{started['mine']}/cancel", by="alice")

    async def test_an_action_of_the_tasks_is_needed_and_a_denial_counts(self, two: Api):
        started = await self.started(two)
        await two.add_user("bob", ("Allow", "pili/*", "qrn:pili:::mine"))
        await two.refused("GET", "/v2/tasks", by="bob")
        await two.add_user("carol", ("Allow", "*", "*"), ("Deny", "tasks/*", "qrn:pili:::gold"))
        assert (await two.call("GET", f"/v2/tasks/{started['mine']}", by="carol")).status_code == 200
        assert (await two.call("GET", f"/v2/tasks/{started['gold']}", by="carol")).status_code != 200


async def test_callbacks_are_those_of_the_granted_hubs(two: Api):
    webhooks = two.house.webhooks
    hook = Hook("GET", "http://127.0.0.1:1/hook", {})
    sent = {hub: webhooks.send(1, "live.connect", f"{hub}/one", hook).id for hub in ("mine", "gold")}
    await webhooks.flush()
    items = (await two.ok("GET", "/v2/webhooks/deliveries", by="alice"))["items"]
    assert [item["subject"] for item in items] == ["mine/one"]
    await two.ok("GET", f"/v2/webhooks/deliveries/{sent['mine']}", by="alice")
    for method, path in (("GET", ""), ("POST", "/replay")):
        path = f"/v2/webhooks/deliveries/{sent['gold']}{path}"
        assert (await two.call(method, path, by="alice")).status_code == 612


async def test_refusals_are_those_of_the_granted_hubs(two: Api):
    two.house.refusals.add(
        Refusal(f"reqid-{hub}", time.time(), "play", "ipLimit", "ip_denied", "no", hub=hub, account=1)
        for hub in ("mine", "gold", "")
    )
    items = (await two.ok("GET", "/v2/refusals?limit=1000", by="alice"))["items"]
    assert {item["hub"] for item in items} == {"mine"}


@pytest.mark.parametrize("path", ["/v2/audit?limit=1000", "/iam/v1/audits?limit=2000"])
async def test_the_audit_is_that_of_the_granted_hubs(two: Api, path: str):
    found = await two.ok("GET", path, by="alice")
    items = found.get("items") or found["data"]["list"]
    assert {item.get("subject") or item["resource"] for item in items} == {"hub/mine"}


async def test_certificates_are_those_for_domains_of_the_granted_hubs(two: Api):
    for hub in ("mine", "gold"):
        body = {"domain": f"play.{hub}.example.com", "type": "liveHls"}
        await two.ok("POST", f"/v2/hubs/{hub}/newdomains", body)
    authority, ids = Authority(), {}
    for name, domains in {
        "mine": ("play.mine.example.com",),
        "gold": ("play.gold.example.com",),
        "both": ("play.mine.example.com", "play.gold.example.com"),
    }.items():
        issued = authority.issue(*domains)
        body = {"name": name, "common_name": "", "ca": issued.chain_pem, "pri": issued.key_pem}
        ids[name] = (await two.ok("POST", "/sslcert", body, by="alice"))["certID"]
    shown = (await two.ok("GET", "/sslcert", by="alice"))["certs"]
    assert {item["name"] for item in shown} == {"mine", "both"}
    missing = await two.call("GET", "/sslcert/0123456789abcdef01234567", by="alice")
    hidden = await two.call("GET", f"/sslcert/{ids['gold']}", by="alice")
    assert (hidden.status_code, hidden.text) == (missing.status_code, missing.text)
    await two.refused("DELETE", f"/sslcert/{ids['both']}", by="alice")
    await two.ok("DELETE", f"/sslcert/{ids['mine']}", by="alice")


async def test_who_reads_settings_is_not_told_keys(two: Api):
    security = {"publishSecurity": "static", "publishKey": "s3cret"}
    play = {"type": "tsStartMD5", "key1": "0123456789", "range": 60}
    await two.ok("POST", "/v2/hubs/mine/streams", {"key": "concert"})
    title = urlsafe_b64encode(b"concert").decode()
    await two.ok("POST", f"/v2/hubs/mine/streams/{title}/security", security)
    await two.ok("POST", "/v2/hubs/mine/newdomains", {"domain": "play.example.com", "type": "liveHls"})
    await two.ok("POST", "/v2/hubs/mine/domains/play.example.com/playSecurity", play)
    await two.ok("POST", "/v2/hubs/mine/play", {"playSecurity": play})
    await two.add_user(
        "reader", ("Allow", "pili/Get*", "qrn:pili:::mine"), ("Deny", "pili/GetHubPublishKey", "*")
    )
    for path in (f"streams/{title}", "domains/play.example.com", "play"):
        told = (await two.call("GET", f"/v2/hubs/mine/{path}", by="alice")).text
        read = (await two.call("GET", f"/v2/hubs/mine/{path}", by="reader")).text
        assert "s3cret" in told or "0123456789" in told, path
        assert "s3cret" not in read, path
        assert "0123456789" not in read, path
    await two.refused("GET", "/v2/hubs/mine/publishKey", by="reader")


def entry(bucket: str, key: str) -> str:
    return urlsafe_b64encode(f"{bucket}:{key}".encode()).decode()


class TestBuckets:
    @pytest_asyncio.fixture(loop_scope="session")
    async def stored(self, api: Api) -> Api:
        """The buckets `photos`, which alice was granted, and `ledger`, which she was not."""
        for bucket in ("photos", "ledger"):
            await api.ok("POST", f"/mkbucketv3/{bucket}/region/z0")
        await api.add_user("alice", ("Allow", "kodo/*", "qrn:kodo:::photos qrn:kodo:::tmp-*"))
        return api

    async def test_lists_have_the_granted_ones(self, stored: Api):
        assert await stored.ok("GET", "/buckets", by="alice") == ["photos"]
        assert [item["tbl"] for item in await stored.ok("GET", "/v3/buckets", by="alice")] == ["photos"]

    async def test_a_bucket_is_named_by_the_path_or_the_query(self, stored: Api):
        await stored.ok("POST", "/mkbucketv3/tmp-1/region/z0", by="alice")
        await stored.refused("POST", "/mkbucketv3/mine/region/z0", by="alice")
        await stored.ok("GET", "/list?bucket=photos", by="alice")
        for method, path in (
            ("POST", "/drop/ledger"),
            ("GET", "/list?bucket=ledger"),
            ("GET", "/list?bucket=photos&bucket=ledger"),
            ("GET", "/list"),
            ("GET", "/v2/bucketInfo?bucket=ledger"),
            ("POST", "/private?bucket=ledger&private=0"),
        ):
            await stored.refused(method, path, by="alice")

    async def test_every_entry_counts(self, stored: Api):
        mine, other = entry("photos", "a"), entry("ledger", "a")
        assert (await stored.call("POST", f"/stat/{mine}", by="alice")).status_code == 612
        for path in (f"/stat/{other}", f"/delete/{other}", f"/copy/{mine}/{other}", f"/move/{other}/{mine}"):
            assert "ledger" in await stored.refused("POST", path, by="alice")

    async def test_each_operation_of_a_batch_takes_its_own_action(self, stored: Api):
        mine, other = entry("photos", "a"), entry("ledger", "a")
        await stored.add_user("bob", ("Allow", "kodo/Batch kodo/Stat", "qrn:kodo:::photos"))
        operations = [f"/stat/{mine}", f"/stat/{other}", f"/delete/{mine}", f"/copy/{mine}/{other}"]
        answer = await stored.http.post(
            "/batch",
            content="&".join(f"op={operation}" for operation in operations),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            auth=stored.auths["bob"],
        )
        assert [item["code"] for item in answer.json()] == [612, 403, 403, 403]

    async def test_where_a_bucket_is_served_is_public(self, stored: Api):
        answer = await stored.http.get("/v4/query?ak=root-access-key&bucket=ledger")
        assert answer.status_code == 200
