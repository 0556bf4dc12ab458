"""`oxbow usage` and `oxbow stream stats`."""

from __future__ import annotations

import json


def rows(*values: object) -> list[dict[str, object]]:
    return [
        {"time": f"2026-03-0{day}T00:00:00+08:00", "values": value} for day, value in enumerate(values, 1)
    ]


def test_usage_by_day(api, oxbow):
    query = "begin=20260301&end=20260303&g=day&group=&select=flow&%24hub=live&%24hub=%21old"
    api.answer("GET", f"/statd/upflow?{query}", rows({"flow": 5}, {"flow": 0}))
    api.answer("GET", f"/statd/downflow?{query}", rows({"flow": 70}, {"flow": 8}))
    told = oxbow("usage", "--begin", "20260301", "--end", "20260303", "--hub", "live", "--hub", "!old")
    assert told.output.splitlines() == [
        "TIME              RECEIVED  SENT",
        "2026-03-01 00:00  5         70",
        "2026-03-02 00:00  0         8",
    ]


def test_usage_divided_leaves_out_what_was_not_used(api, oxbow):
    query = "begin=20260301&end=&g=month&group=domain&select=flow"
    api.answer("GET", f"/statd/upflow?{query}", rows({"": {"flow": 5}}))
    api.answer("GET", f"/statd/downflow?{query}", rows({"": {"flow": 0}, "a.example.com": {"flow": 7}}))
    told = oxbow("usage", "--begin", "20260301", "--step", "month", "--by", "domain")
    assert told.output.splitlines()[1:] == [
        "2026-03-01 00:00  -              5         0",
        "2026-03-01 00:00  a.example.com  0         7",
    ]
    told = oxbow("usage", "--begin", "20260301", "--step", "month", "--by", "domain", "--json")
    assert json.loads(told.output)["upflow"] == rows({"": {"flow": 5}})


def test_a_streams_minutes(api, oxbow, monkeypatch):
    monkeypatch.setattr("oxbow.cli.streams.time.time", lambda: 1_676_268_600)
    stats = {
        "bps": 1_064_000, "videoFps": 25, "width": 1280, "height": 720, "videoCodec": "H264",
        "audioCodec": "", "audioSampleRate": 0, "playCount": 3, "bandwidth": 3_192_000,
    }  # fmt: skip
    item = {"hub": "live", "time": 1_676_268_540, "stream": "cam1", "stats": stats}
    path = "/v2/hubs/live/streams/Y2FtMQ==/stats?start=1676268480"
    api.answer("GET", path, {"items": [item]})
    told = oxbow("stream", "stats", "live", "cam1", "--minutes", "2")
    assert told.output.splitlines()[1].split() == (
        ["2023-02-13", "06:09:00Z", "1.06", "Mbit/s", "25", "H264", "1280x720", "-", "3", "3.19", "Mbit/s"]
    )
