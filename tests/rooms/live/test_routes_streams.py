"""Streams over HTTP: the shapes of the pages' examples, paging, and every refusal."""

import base64

import httpx
import pytest

from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.fields import encode_marker

NOW = 1_700_000_000
DAY = 86_400


def encoded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def path(name: str, rest: str = "") -> str:
    return f"/v2/hubs/live/streams/{encoded(name)}{rest}"


async def create(api: httpx.AsyncClient, *names: str) -> None:
    for name in names:
        answer = await api.post("/v2/hubs/live/streams", json={"key": name})
        assert (answer.status_code, answer.json()) == (200, {})


def error(response: httpx.Response) -> tuple[int, str]:
    assert list(response.json()) == ["error"]
    return response.status_code, response.json()["error"]


class TestCreate:
    async def test_twice(self, api: httpx.AsyncClient):
        await create(api, "testkey")
        answer = await api.post("/v2/hubs/live/streams", json={"key": "testkey"})
        assert error(answer) == (614, "stream already exists")

    @pytest.mark.parametrize("key", ["abcd", "x" * 200, "a-b_C9", "----"])
    async def test_good_names(self, api: httpx.AsyncClient, key: str):
        await create(api, key)
        assert (await api.get(path(key))).status_code == 200

    @pytest.mark.parametrize(
        "key", ["abc", "x" * 201, "a.b.c", "a/bcd", "../../x", "a b c", "ключи", "abcd\n", ""]
    )
    async def test_bad_names(self, api: httpx.AsyncClient, key: str):
        status, text = error(await api.post("/v2/hubs/live/streams", json={"key": key}))
        assert (status, text.partition(":")[0]) == (400, "key")


class TestInfo:
    async def test_every_field_of_the_page(self, api: httpx.AsyncClient):
        await create(api, "timestamp")
        assert (await api.get(path("timestamp"))).json() == {
            "createdAt": NOW,
            "updatedAt": NOW,
            "expireAt": NOW + 15 * DAY,
            "disabledTill": 0,
            "disabledReason": "",
            "converts": [],
            "watermark": False,
            "publishSecurity": "",
            "publishKey": "",
            "nropEnable": False,
        }

    async def test_expiry_follows_the_hubs_recordings(self, api: httpx.AsyncClient):
        await create(api, "timestamp")
        body = {"storageBucket": "test1z0", "liveDataExpireDays": 30}
        await api.post("/v2/hubs/live/persistence", json=body)
        assert (await api.get(path("timestamp"))).json()["expireAt"] == NOW + 30 * DAY

    async def test_unknown(self, api: httpx.AsyncClient):
        assert error(await api.get(path("nobody"))) == (612, "not found")

    @pytest.mark.parametrize("title", ["dGVzdDA=", "dGVzdDA", "dGVzdDA%3D"])
    async def test_base64_with_and_without_padding(self, api: httpx.AsyncClient, title: str):
        await create(api, "test0")
        assert (await api.get(f"/v2/hubs/live/streams/{title}")).status_code == 200

    @pytest.mark.parametrize(
        "title",
        [
            "dGVzdDA=====x",
            "d",
            "dGVz dDA=",
            "%00%00%00%00",
            "w6TDtsO8",
            "YS9iY2Q=",
            "Li4vLi4veA==",
            "x" * 3000,
        ],
    )
    async def test_titles_that_encode_no_name(self, api: httpx.AsyncClient, title: str):
        status, text = error(await api.get(f"/v2/hubs/live/streams/{title}"))
        assert (status, text.partition(":")[0]) == (400, "encodedStreamTitle")


class TestSecurity:
    async def test_a_stream_of_its_own(self, api: httpx.AsyncClient):
        await create(api, "stream")
        body = {"publishSecurity": "static", "publishKey": "own"}
        answer = await api.post(path("stream", "/security"), json=body)
        assert (answer.status_code, answer.json()) == (200, {})
        info = (await api.get(path("stream"))).json()
        assert (info["publishSecurity"], info["publishKey"]) == ("static", "own")
        await api.post(path("stream", "/security"), json={"publishSecurity": ""})
        assert (await api.get(path("stream"))).json()["publishSecurity"] == ""

    async def test_refusals(self, api: httpx.AsyncClient):
        body = {"publishSecurity": "static", "publishKey": "own"}
        assert error(await api.post(path("nobody", "/security"), json=body)) == (612, "not found")
        assert (
            error(await api.post(path("nobody", "/security"), json={"publishSecurity": "expiry"}))[0] == 400
        )


class TestDisable:
    async def till(self, api: httpx.AsyncClient, **body: int) -> int:
        answer = await api.post(path("stream", "/disabled"), json=body)
        assert (answer.status_code, answer.json()) == (200, {})
        return (await api.get(path("stream"))).json()["disabledTill"]

    async def test_for_ever_until_a_time_for_a_period_and_no_longer(
        self, api: httpx.AsyncClient, clock, board
    ):
        await create(api, "stream")
        assert await self.till(api, disabledTill=-1) == -1
        assert await self.till(api, disabledTill=NOW + 9) == NOW + 9
        assert await self.till(api, disabledTill=0, disablePeriodSecond=60) == NOW + 60
        assert await self.till(api, disablePeriodSecond=60) == NOW + 60
        assert await self.till(api, disabledTill=NOW + 9, disablePeriodSecond=60) == NOW + 9
        assert len(board.cuts) == 5
        clock.now += 10
        assert (await api.get(path("stream"))).json()["disabledTill"] == 0
        assert await self.till(api, disabledTill=0, disablePeriodSecond=0) == 0
        assert await self.till(api, disabledTill=1688469861) == 0
        assert len(board.cuts) == 5

    async def test_the_reason_is_shown_until_the_ban_ends(self, api: httpx.AsyncClient, clock):
        for name in ("stream", "other"):
            await create(api, name)
        body = {"disabledTill": NOW + 9, "reason": "违规 content"}
        assert (await api.post(path("stream", "/disabled"), json=body)).status_code == 200
        listed = (await api.get("/v2/hubs/live/streams")).json()["items"]
        ban = {"disabledTill": NOW + 9, "disabledReason": "违规 content"}
        assert listed == [{"key": "other"}, {"key": "stream"} | ban]
        assert (await api.get(path("stream"))).json().items() >= ban.items()
        clock.now += 10
        assert (await api.get("/v2/hubs/live/streams")).json()["items"] == [
            {"key": "other"},
            {"key": "stream"},
        ]
        assert (await api.get(path("stream"))).json()["disabledReason"] == ""

    @pytest.mark.parametrize("reason", ["x" * 201, "two\nlines", "\x00", 5])
    async def test_a_reason_that_cannot_be_shown(self, api: httpx.AsyncClient, reason: object):
        await create(api, "stream")
        answer = await api.post(path("stream", "/disabled"), json={"disabledTill": -1, "reason": reason})
        assert error(answer)[0] == 400
        assert error(answer)[1].startswith("reason: ")

    async def test_refusals(self, api: httpx.AsyncClient):
        await create(api, "stream")
        assert error(await api.post(path("nobody", "/disabled"), json={"disabledTill": -1})) == (
            612,
            "not found",
        )
        for body in (
            {},
            {"disabledTill": -2},
            {"disabledTill": "0"},
            {"disabledTill": 0, "disablePeriodSecond": -1},
        ):
            status, text = error(await api.post(path("stream", "/disabled"), json=body))
            assert status == 400
            assert "disable" in text

    async def test_delete(self, api: httpx.AsyncClient):
        await create(api, "stream")
        answer = await api.delete(path("stream"))
        assert (answer.status_code, answer.json()) == (200, {})
        assert error(await api.delete(path("stream"))) == (612, "not found")


class TestList:
    async def page(self, api: httpx.AsyncClient, **query: object) -> tuple[list[str], str]:
        answer = await api.get("/v2/hubs/live/streams", params=query)
        assert answer.status_code == 200, answer.text
        return [item["key"] for item in answer.json()["items"]], answer.json()["marker"]

    async def test_all(self, api: httpx.AsyncClient):
        assert await self.page(api) == ([], "")
        await create(api, "stream2", "stream1")
        assert await self.page(api) == (["stream1", "stream2"], "")
        as_go_sends_it = {"liveonly": "false", "prefix": "", "limit": 0, "marker": ""}
        assert await self.page(api, **as_go_sends_it) == (["stream1", "stream2"], "")

    async def test_a_full_page_has_a_marker_even_after_the_last_name(self, api: httpx.AsyncClient):
        names = ["stream1", "stream2", "stream3"]
        await create(api, *names)
        marker, walked = "", []
        for _ in names:
            keys, marker = await self.page(api, limit=1, marker=marker)
            walked += keys
            assert marker
        assert walked == names
        assert await self.page(api, limit=1, marker=marker) == ([], "")

    async def test_names_that_come_and_go_do_not_disturb_a_walk(self, api: httpx.AsyncClient):
        await create(api, "bbbb", "dddd")
        _, marker = await self.page(api, limit=1)
        await create(api, "aaaa", "cccc")
        await api.delete(path("bbbb"))
        assert await self.page(api, marker=marker) == (["cccc", "dddd"], "")

    async def test_prefix(self, api: httpx.AsyncClient):
        await create(api, "news1", "news2", "sport1")
        assert await self.page(api, prefix="news") == (["news1", "news2"], "")
        keys, _ = await self.page(api, prefix="news", limit=1, marker=encode_marker("news1"))
        assert keys == ["news2"]
        for nothing in ("%", "_", "ключ", "news1~", "NEWS"):
            assert await self.page(api, prefix=nothing) == ([], "")

    async def test_live_only(self, api: httpx.AsyncClient, board):
        await create(api, "offline")
        for name in ("news2", "news1", "sport"):
            board.go_live("live", name)
        assert await self.page(api, liveonly="true") == (["news1", "news2", "sport"], "")
        keys, marker = await self.page(api, liveonly="true", prefix="news", limit=1)
        assert keys == ["news1"]
        assert await self.page(api, liveonly="true", prefix="news", marker=marker) == (["news2"], "")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("limit", "5001"),
            ("limit", "99999"),
            ("limit", "-1"),
            ("limit", "ten"),
            ("limit", "9" * 5000),
            ("liveonly", "maybe"),
            ("marker", "stream1"),
            ("marker", encode_marker("../x")),
            ("marker", "%"),
            ("marker", "x" * 5000),
        ],
    )
    async def test_bad_parameters(self, api: httpx.AsyncClient, name: str, value: str):
        status, text = error(await api.get("/v2/hubs/live/streams", params={name: value}))
        assert (status, text.partition(":")[0]) == (400, name)


LIVE = {
    "startAt": 1635162331,
    "clientIP": "127.0.0.1:19866",
    "serverIP": "127.0.0.1:1935",
    "bps": 601344,
    "videoBitRate": 601251,
    "audioBitRate": 14148,
    "maxGop": 1000,
    "avgGop": 1000,
    "location": "",
    "isp": "",
    "playCount": 10,
    "bandwidth": 0,
    "fps": {"audio": 43, "video": 60, "data": 0},
}


class TestLive:
    async def test_a_live_stream(self, api: httpx.AsyncClient, board):
        board.go_live("live", "timestamp")
        assert (await api.get(path("timestamp", "/live"))).json() == LIVE

    async def test_offline_is_200_with_zeros(self, api: httpx.AsyncClient):
        await create(api, "timestamp")
        answer = await api.get(path("timestamp", "/live"))
        zeros = {name: type(value)() for name, value in LIVE.items()} | {"fps": dict.fromkeys(LIVE["fps"], 0)}
        assert (answer.status_code, answer.json()) == (200, zeros)

    async def test_unknown_is_404(self, api: httpx.AsyncClient):
        assert error(await api.get(path("nobody", "/live"))) == (404, "not found")

    async def test_many(self, api: httpx.AsyncClient, board):
        for name in ("stream1", "stream2"):
            board.go_live("live", name)
        await create(api, "offline")
        body = {"items": ["stream2", "offline", "nobody", "stream1", "stream2", "../"]}
        answer = (await api.post("/v2/hubs/live/livestreams", json=body)).json()
        assert [item["key"] for item in answer["items"]] == ["stream2", "stream1"]
        assert answer["items"][1] == {
            "startAt": 1635162331,
            "clientIP": "127.0.0.1:19866",
            "serverIP": "127.0.0.1:1935",
            "bps": 601344,
            "fps": {"audio": 43, "video": 60, "data": 0},
            "key": "stream1",
        }

    async def test_none_of_them(self, api: httpx.AsyncClient):
        answer = await api.post("/v2/hubs/live/livestreams", json={"items": []})
        assert answer.json() == {"items": []}

    @pytest.mark.parametrize("items", [["x"] * 101, "stream", [1], None])
    async def test_bad_items(self, api: httpx.AsyncClient, items: object):
        status, text = error(await api.post("/v2/hubs/live/livestreams", json={"items": items}))
        assert (status, text.startswith(("items:", "items["))) == (400, True)


class TestHistory:
    @pytest.fixture(autouse=True)
    async def broadcasts(self, service, clock) -> None:
        clock.now = 1635164952
        for start, end, port in ((1635161931, 1635162330, 10002), (1635162331, 1635164952, 19866)):
            service.publish_started(
                LivePublisher("live", "stream", str(start), f"127.0.0.1:{port}", "127.0.0.1:1935", start)
            )
            service.publish_ended(str(start), end)
        await service.history_writer.flush()

    async def test_the_pages_example(self, api: httpx.AsyncClient):
        query = {"start": 1635078552, "end": 1635164952}
        expected = {
            "items": [
                {
                    "start": 1635162331,
                    "end": 1635164952,
                    "clientIP": "127.0.0.1:19866",
                    "serverIP": "127.0.0.1:1935",
                },
                {
                    "start": 1635161931,
                    "end": 1635162330,
                    "clientIP": "127.0.0.1:10002",
                    "serverIP": "127.0.0.1:1935",
                },
            ]
        }
        for params in (query, {}, {"start": 0, "end": 0}):
            assert (await api.get(path("stream", "/historyactivity"), params=params)).json() == expected

    async def test_what_overlaps(self, api: httpx.AsyncClient):
        query = {"start": 1635162331, "end": 1635162400}
        items = (await api.get(path("stream", "/historyactivity"), params=query)).json()["items"]
        assert [item["start"] for item in items] == [1635162331]

    async def test_refusals(self, api: httpx.AsyncClient):
        assert error(await api.get(path("nobody", "/historyactivity"))) == (612, "not found")
        for query in ({"start": "yesterday"}, {"start": "-1"}, {"end": "1e9"}, {"start": 9, "end": 8}):
            status, text = error(await api.get(path("stream", "/historyactivity"), params=query))
            assert (status, text.partition(":")[0]) == (400, next(iter(query)))
