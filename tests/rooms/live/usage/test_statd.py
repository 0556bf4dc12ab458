"""The statistics as the pages document them, from workers' reports to rows."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from oxbow.kernel.metering import MeteringService
from oxbow.rooms.live.usage.room import LiveUsage
from reports import report_of
from rooms.live.conftest import Clock
from rooms.live.usage.conftest import received, share, stream_report

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = "begin=20210928&end=20210930&g=day&select=flow"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


@pytest.fixture
async def counted(api: httpx.AsyncClient, usage: LiveUsage, metering: MeteringService, clock: Clock) -> None:
    """Two hubs, two domains, four areas, on two days; every figure is a power of ten."""
    for hub in ("test", "other"):
        assert (await api.post("/v2/hubs", json={"name": hub})).status_code == 200
    clock.now = at("2021-09-28 10:00")
    flv, hls = "flv.example.com", "hls.example.com"
    usage.take(0, report_of(
        stream_report("one", share(1, flv, "cn"), share(10, flv, "hk"), hub="test"),
        stream_report("two", share(100, hls, "cn", "hls"), share(1000, "", ""), hub="test"),
        stream_report("one", share(10_000, "", "emea"), received(7, "push.example.com", "am"), hub="other"),
    ))  # fmt: skip
    clock.now = at("2021-09-29 23:59:59")
    usage.take(1, report_of(stream_report("one", share(100_000, "flv.example.com", "cn"), hub="test")))
    clock.now = at("2021-09-30 12:00")
    usage.take(1, report_of(stream_report("one", share(1_000_000, "flv.example.com", "cn"), hub="test")))
    await metering.flush()


async def flows(api: httpx.AsyncClient, query: str, what: str = "downflow") -> list[object]:
    answer = await api.get(f"/statd/{what}?{query}")
    assert answer.status_code == 200, answer.text
    return [row["values"] for row in answer.json()]


@pytest.mark.usefixtures("counted")
class TestRows:
    async def test_a_row_for_each_day_with_the_zone(self, api: httpx.AsyncClient):
        answer = await api.get(f"/statd/downflow?$hub=test&{DAYS}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == [
            {"time": "2021-09-28T00:00:00+08:00", "values": {"flow": 1111}},
            {"time": "2021-09-29T00:00:00+08:00", "values": {"flow": 100_000}},
        ]

    async def test_groups(self, api: httpx.AsyncClient):
        assert await flows(api, f"$hub=test&group=area&{DAYS}") == [
            {"": {"flow": 1000}, "cn": {"flow": 101}, "hk": {"flow": 10}},
            {"": {"flow": 0}, "cn": {"flow": 100_000}, "hk": {"flow": 0}},
        ]
        assert await flows(api, f"group=hub&{DAYS}") == [
            {"other": {"flow": 10_000}, "test": {"flow": 1111}},
            {"other": {"flow": 0}, "test": {"flow": 100_000}},
        ]
        assert await flows(api, f"$hub=nobody&group=domain&{DAYS}") == [{}, {}]

    @pytest.mark.parametrize(
        ("conditions", "flow"),
        [
            ("", 11_111),
            ("$hub=test", 1111),
            ("%24hub=test", 1111),
            ("$hub=test&$hub=other", 11_111),
            ("$hub=!test", 10_000),
            ("$area=!cn&$area=!hk", 11_000),
            ("$area=cn", 101),
            ("$area=cn&$area=!hk", 101),
            ("$area=cn&$area=!cn", 0),
            ("$domain=FLV.example.com", 11),
            ("$domain=!flv.example.com&$hub=test", 1100),
            ("$hub=nobody", 0),
            ("$hub=", 11_111),
        ],
    )
    async def test_conditions(self, api: httpx.AsyncClient, conditions: str, flow: int):
        assert (await flows(api, f"{conditions}&{DAYS}"))[0] == {"flow": flow}

    async def test_upstream_counts_by_where_publishers_came_in(self, api: httpx.AsyncClient):
        assert await flows(api, f"group=domain&{DAYS}", "upflow") == [
            {"push.example.com": {"flow": 7}},
            {"push.example.com": {"flow": 0}},
        ]
        assert await flows(api, f"$area=am&{DAYS}", "upflow") == [{"flow": 7}, {"flow": 0}]

    @pytest.mark.parametrize(("step", "rows"), [("5min", 576), ("hour", 48), ("day", 2), ("month", 1)])
    async def test_each_step_adds_up_to_the_same(self, api: httpx.AsyncClient, step: str, rows: int):
        found = await flows(api, f"begin=20210928&end=20210930&g={step}&select=flow")
        assert (len(found), sum(row["flow"] for row in found)) == (rows, 111_111)  # type: ignore[index]

    async def test_an_end_in_the_future_is_now_and_so_is_none(self, api: httpx.AsyncClient):
        expected = [{"flow": 100_000}, {"flow": 1_000_000}]
        for end in ("", "&end=", "&end=20210930120000", "&end=20991231"):
            assert await flows(api, f"begin=20210929&g=day&select=flow{end}") == expected
        assert await flows(api, "begin=20990101&g=day&select=flow") == []

    async def test_the_time_of_day_counts(self, api: httpx.AsyncClient):
        query = "begin=20210929235500&end=20210930000000&g=5min&select=flow"
        assert await flows(api, query) == [{"flow": 100_000}]
        query = "begin=20210928100500&end=20210929235500&g=day&select=flow"
        assert await flows(api, query) == [{"flow": 0}, {"flow": 0}]

    async def test_another_account_sees_nothing_of_it(self, strangers_api: httpx.AsyncClient):
        assert await flows(strangers_api, DAYS) == [{"flow": 0}, {"flow": 0}]

    async def test_a_deleted_hub_keeps_its_past(
        self, api: httpx.AsyncClient, usage: LiveUsage, metering: MeteringService
    ):
        assert (await api.delete("/v2/hubs/test")).status_code == 200
        usage.take(0, report_of(stream_report("one", share(5), hub="test")))
        usage.take(0, report_of(stream_report("one", share(9), hub="unheard-of")))
        await metering.flush()
        found = await flows(api, "$hub=test&begin=20210928&g=month&select=flow")
        assert found == [{"flow": 1_101_116}]

    async def test_a_signature_is_asked_for(self, live_app: object, api: httpx.AsyncClient):
        api.auth = None
        assert (await api.get(f"/statd/downflow?{DAYS}")).status_code == 401


class TestWhatNobodyCountsYet:
    @pytest.mark.parametrize(
        ("query", "values"),
        [
            ("downflow_rtc?$hub=test&$domain=a.example.com&$area=cn&select=flow", {"flow": 0}),
            ("codec?$hub=test&$profile=480p&$profile=720p&select=duration", {"duration": 0}),
            ("nrop?$assured=false&$hub=test&select=count", {"count": 0}),
            ("nrop?$assured=false&$assured=true&$hub=test&group=hub&select=count", {}),
            (
                "caster?select=upflow&select=downflow&select=duration",
                {"upflow": 0, "downflow": 0, "duration": 0},
            ),
            ("caster?$resolution=480p&$container=a&group=resolution&select=upflow", {}),
            ("pub?$tp=normal&select=duration&select=count", {"duration": 0, "count": 0}),
        ],
    )
    async def test_it_is_answered_all_the_same(self, api: httpx.AsyncClient, query: str, values: object):
        answer = await api.get(f"/statd/{query}&begin=20210928&end=20210930&g=day")
        assert answer.status_code == 200, answer.text
        assert [row["values"] for row in answer.json()] == [values, values]

    async def test_meters_of_a_statistic_are_told_apart(
        self, api: httpx.AsyncClient, metering: MeteringService, clock: Clock
    ):
        for meter, quantity in (("upflow", 1), ("downflow", 20), ("duration", 300)):
            metering.add(f"live.caster_{meter}", 1, at("2021-09-28 10:00"), quantity, {"resolution": "720p"})
        await metering.flush()
        query = "begin=20210928&end=20210929&g=day&group=resolution&select=upflow&select=duration"
        assert await flows(api, query, "caster") == [{"720p": {"upflow": 1, "duration": 300}}]


class TestBadQuestions:
    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("g=day&select=flow", "begin: must be a time from 2000 on, as 20060102 or 20060102150405"),
            ("begin=2021-09-28&g=day&select=flow", "begin: must be a time"),
            ("begin=20211328&g=day&select=flow", "begin: must be a time"),
            ("begin=202109281200&g=day&select=flow", "begin: must be a time"),
            ("begin=00010101&g=day&select=flow", "begin: must be a time"),
            ("begin=２０２１０９２８&g=day&select=flow", "begin: must be a time"),
            ("begin=20210928&begin=20210929&g=day&select=flow", "begin: must be given once"),
            ("begin=20210928&end=tomorrow&g=day&select=flow", "end: must be a time"),
            ("begin=20210928&end=20210928&g=day&select=flow", "end: must be after begin"),
            ("begin=20210928&end=20210930&select=flow", "g: must be one of 5min, hour, day, month"),
            ("begin=20210928&end=20210930&g=week&select=flow", "g: must be one of"),
            ("begin=20210928&end=20210930&g=day", "select: must be flow"),
            ("begin=20210928&end=20210930&g=day&select=flow&select=bandwidth", "select: must be flow"),
            (f"{DAYS}&group=isp", "group: must be one of hub, domain, area, or missing"),
            (f"{DAYS}&$area=mars", "$area: must be one of cn, hk, tw, apac, am, emea, with !"),
            (f"{DAYS}&$area=!mars", "$area: must be one of"),
            (f"{DAYS}&$hub=!", "$hub: must be a value, with !"),
            (f"{DAYS}&$isp=telecom", "$isp: is not known here; known are begin, end, g, group, select, $hub"),
            (f"{DAYS}&gruop=hub", "gruop: is not known here"),
            (f"{DAYS}&" + "&".join(["$hub=h"] * 101), "$hub: may be given at most 100 times"),
            ("begin=20210928&end=20210930&g=5min&select=flow", "begin: with g=5min it must be 20231011 or"),
        ],
    )  # fmt: skip
    async def test_what_is_wrong_is_named(self, api: httpx.AsyncClient, query: str, message: str):
        answer = await api.get(f"/statd/downflow?{query}")
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(message)

    @pytest.mark.parametrize(
        ("step", "begin", "days"),
        [("5min", 20210701, 31), ("hour", 20210101, 93), ("day", 20180101, 732), ("month", 20000101, 3660)],
    )
    async def test_a_period_has_a_longest(self, api: httpx.AsyncClient, step: str, begin: int, days: int):
        answer = await api.get(f"/statd/downflow?begin={begin}&end=20210930&g={step}&select=flow")
        assert answer.status_code == 400
        assert answer.json() == {"error": f"begin: with g={step} the period may have at most {days} days"}

    async def test_an_answer_has_a_largest_size(
        self,
        api: httpx.AsyncClient,
        metering: MeteringService,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr("oxbow.rooms.live.usage.statd.MAX_FIGURES", 5)
        for hub in ("a", "b", "c"):
            metering.add("live.downflow", 1, clock.now, 1, {"hub": hub})
        await metering.flush()
        answer = await api.get("/statd/downflow?begin=20231115&g=day&group=hub&select=flow")
        assert answer.status_code == 200
        answer = await api.get("/statd/downflow?begin=20231114&g=day&group=hub&select=flow")
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("group: the answer would have 6 figures")
