"""A stream minute by minute, from the workers' reports to the documented answer."""

from __future__ import annotations

import base64

import httpx
import pytest
import requests
from fastapi import FastAPI
from qiniu.auth import QiniuMacAuth, QiniuMacRequestsAuth

from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.media.parameters import MediaParameters
from oxbow.rooms.live.board import OnAir
from oxbow.rooms.live.control.messages import Figures, LivePublisher
from oxbow.rooms.live.store.minutes import MinuteStore
from oxbow.rooms.live.usage import minutes as minutes_module
from oxbow.rooms.live.usage.models import DomainMinute, MinuteRow, StreamMinute
from oxbow.rooms.live.usage.room import LiveUsage
from reports import report_of
from rooms.live.conftest import AK, SK, Board, Clock
from rooms.live.usage.conftest import share, stream_report

MINUTE_0 = 1_700_000_040
"""The first whole minute of the hub `live`."""
MEDIA = MediaParameters(1280, 720, 25.0, "H264", "High", "3.1", "AAC", "LC", 2, 44_100)


def figures(bps: int = 1_000_000, video_fps: int = 25) -> Figures:
    return Figures("s", bps, bps - 64_000, 64_000, video_fps, 43, 0, 2000, 2000, 0.0, 0, MEDIA)


def path(stream: str = "stream", hub: str = "live") -> str:
    return f"/v2/hubs/{hub}/streams/{base64.urlsafe_b64encode(stream.encode()).decode()}/stats"


async def second(usage: LiveUsage, board: Board, clock: Clock, at: float, *shares, bps: int) -> None:
    """What a worker's report does, and the turn of the clock behind it."""
    clock.now = at
    told = report_of(stream_report("stream", *shares, publisher=figures(bps)))
    board.report(0, told)
    usage.take(0, told)
    await usage.minutes.turn()


@pytest.fixture
async def watched(api: httpx.AsyncClient, usage: LiveUsage, board: Board, clock: Clock) -> None:
    """A stream that is published and watched for the last two seconds of a minute."""
    body = {"domain": "flv.example.com", "type": "liveHdl"}
    assert (await api.post("/v2/hubs/live/newdomains", json=body)).status_code == 200
    usage.minutes._minute = MINUTE_0
    publisher = LivePublisher("live", "stream", "s", "10.0.0.1:5000", "10.0.0.2:1935", MINUTE_0)
    board.put(OnAir(0, publisher))
    flv, hdl = share(60_000, "flv.example.com", viewers=2), share(15_000, viewers=1)
    await second(usage, board, clock, MINUTE_0 + 58, flv, hdl, bps=900_000)
    await second(usage, board, clock, MINUTE_0 + 59, flv, bps=1_000_000)
    await second(usage, board, clock, MINUTE_0 + 60.5, flv, bps=5_000_000)


@pytest.mark.usefixtures("watched")
class TestAnswers:
    async def test_a_minute_as_it_is_documented(self, api: httpx.AsyncClient):
        # The report that comes with the new minute belongs to the old one: it tells the second before.
        answer = await api.get(f"{path()}?start={MINUTE_0}&end={MINUTE_0 + 30}")
        assert answer.json() == {
            "items": [
                {
                    "hub": "live",
                    "time": MINUTE_0,
                    "stream": "stream",
                    "stats": {
                        "bps": 2_300_000,
                        "videoFps": 25,
                        "audioFps": 43,
                        "width": 1280,
                        "height": 720,
                        "videoCodec": "H264",
                        "videoProfile": "High",
                        "videoFrameRate": 25,
                        "videoBitRate": 2_236_000,
                        "audioCodec": "AAC",
                        "audioChannel": 2,
                        "audioSampleRate": 44_100,
                        "audioBitRate": 64_000,
                        "playCount": 2,
                        "bandwidth": 26_000,
                        "detailStats": [
                            {"domain": "", "type": "", "playCount": 0, "bandwidth": 2000},
                            {
                                "domain": "flv.example.com",
                                "type": "liveHdl",
                                "playCount": 2,
                                "bandwidth": 24_000,
                            },
                        ],
                    },
                }
            ]
        }

    async def test_the_last_hour_is_asked_for_without_a_period(self, api: httpx.AsyncClient, clock: Clock):
        assert len((await api.get(path())).json()["items"]) == 1
        clock.now += 3600
        assert (await api.get(path())).json() == {"items": []}

    async def test_a_stream_nobody_knows_has_none(self, api: httpx.AsyncClient):
        assert (await api.get(path("nobody"))).json() == {"items": []}

    async def test_the_name_may_come_without_padding(self, api: httpx.AsyncClient):
        assert len((await api.get(path().replace("=", ""))).json()["items"]) == 1

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("start=1700000000&end=1699999999", "start: must not be after end"),
            ("start=1700000000&end=1700086401", "start: must be at most 24 hours before end"),
            ("start=yesterday", "start: must be a whole number from 0"),
            ("end=-1", "end: must be a whole number from 0"),
            ("start=99999999999999", "start: must be a whole number from 0"),
        ],
    )
    async def test_a_wrong_period_is_named(self, api: httpx.AsyncClient, query: str, message: str):
        answer = await api.get(f"{path()}?{query}")
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(message)

    async def test_of_other_accounts_hubs_nothing_is_told(self, strangers_api: httpx.AsyncClient):
        answer = await strangers_api.get(path())
        assert (answer.status_code, answer.json()) == (612, {"error": "hub not found"})

    async def test_a_new_hub_has_nothing_of_an_old_ones(
        self, api: httpx.AsyncClient, board: Board, clock: Clock
    ):
        board.remove("live", "stream", "s")
        assert (await api.delete("/v2/hubs/live")).status_code == 200
        clock.now += 60
        assert (await api.post("/v2/hubs", json={"name": "live"})).status_code == 200
        assert (await api.get(path())).json() == {"items": []}

    async def test_the_official_python_sdk_signs_it(self, live_app: FastAPI, api: httpx.AsyncClient):
        for url in (path(), "/statd/downflow?$hub=live&begin=20231101&g=day&select=flow"):
            auth = QiniuMacRequestsAuth(QiniuMacAuth(AK, SK))
            prepared = requests.Request("GET", f"http://pili.test:7070{url}", auth=auth).prepare()
            headers = {"Host": "pili.test:7070", **prepared.headers}
            transport = httpx.ASGITransport(app=live_app)
            async with httpx.AsyncClient(transport=transport) as client:
                answer = await client.request("GET", str(prepared.url), headers=headers)
            assert answer.status_code == 200, answer.text


async def test_a_minute_without_a_publisher_is_none(usage: LiveUsage, clock: Clock):
    usage.take(0, report_of(stream_report("waited-for", share(0, viewers=3))))
    clock.now += 60
    await usage.minutes.turn()
    assert usage.minutes.pending == 0


async def test_minutes_wait_for_the_database_up_to_a_limit(
    usage: LiveUsage, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    written: list[MinuteRow] = []
    away = True

    async def write(rows: list[MinuteRow]) -> None:
        if away:
            raise DatabaseUnavailableError
        written.extend(rows)

    monkeypatch.setattr(usage.minutes._store, "write", write)
    monkeypatch.setattr(minutes_module, "MAX_PENDING", 3)
    for _ in range(5):
        usage.take(0, report_of(stream_report("stream", publisher=figures())))
        clock.now += 60
        await usage.minutes.turn()
    assert (usage.minutes.pending, usage.minutes.lost) == (3, 2)
    away = False
    await usage.minutes.flush()
    assert (usage.minutes.pending, len(written)) == (0, 3)


def row(minute: int, stream: str = "stream", bps: int = 1) -> MinuteRow:
    domains = [DomainMinute("flv.example.com", "liveHdl", 1, 8)]
    return MinuteRow(
        minute,
        "live",
        stream,
        StreamMinute(bps, 25, 43, 1, 1, 1280, 720, "H264", "High", 25, "AAC", 2, 44_100, 1, 8, domains),
    )


class TestStore:
    """On each database."""

    async def test_what_is_written_is_read(self, database: Database, clock: Clock):
        store = MinuteStore(database, 3, clock)
        rows = [row(MINUTE_0 + 60 * n) for n in range(3)]
        await store.write([*rows, row(MINUTE_0, "other")])
        assert await store.between("live", "stream", MINUTE_0, MINUTE_0 + 60) == [
            (one.minute, one.stats) for one in rows[:2]
        ]
        assert await store.between("live", "stream", MINUTE_0 + 1, MINUTE_0 + 119) == [
            (MINUTE_0 + 60, rows[1].stats)
        ]
        assert len(await store.between("live", "stream", MINUTE_0 - 86_400 + 180, MINUTE_0 + 180)) == 3

    async def test_writing_again_is_writing_once(self, database: Database, clock: Clock):
        store = MinuteStore(database, 3, clock)
        await store.write([row(MINUTE_0, bps=1)])
        await store.write([row(MINUTE_0, bps=2)])
        ((_, stats),) = await store.between("live", "stream", MINUTE_0, MINUTE_0)
        assert stats.bps == 2

    async def test_old_minutes_go_a_few_at_a_time(self, database: Database, clock: Clock):
        store = MinuteStore(database, 1, clock)
        old = MINUTE_0 - 2 * 86_400
        await store.write([row(old + 60 * n) for n in range(25)])

        async def left() -> int:
            return len(await store.between("live", "stream", old, old + 1500))

        counts = [await left()]
        for n in range(3):
            await store.write([row(MINUTE_0 + 60 * n)])
            counts.append(await left())
        assert counts == [15, 5, 0, 0]
