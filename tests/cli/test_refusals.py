"""`oxbow why` and `oxbow refusals`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

Oxbow = Callable[..., Result]

ITEM = {
    "reqid": "f3C1Zk0dSAmTQ0aB",
    "at": 1_700_000_000.25,
    "what": "play",
    "rule": "ipLimit",
    "reason": "ip_denied",
    "message": "203.0.113.9 is on the domain's black list",
    "address": "203.0.113.9",
    "protocol": "flv",
    "hub": "live",
    "stream": "match",
    "domain": "flv.example.com",
    "url": "http://flv.example.com/live/match.flv",
    "found": "203.0.113.9",
    "wanted": "",
    "accessKey": "",
    "more": 4312,
    "until": 1_700_000_058.7,
}


def test_why_tells_everything_that_is_known(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", f"/v2/refusals?reqid={ITEM['reqid']}", {"items": [ITEM], "marker": ""})
    result = oxbow("why", str(ITEM["reqid"]))
    assert result.exit_code == 0
    assert "play at 2023-11-14 22:13:20.250Z from 203.0.113.9" in result.output
    assert "4,312 like this until 2023-11-14 22:14:18" in result.output
    assert "wanted" not in result.output


def test_why_says_what_an_unknown_id_may_mean(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", "/v2/refusals?reqid=x%2By", {"items": [], "marker": ""})
    result = oxbow("why", "x+y")
    assert result.exit_code == 1
    assert "no record has this id" in result.output


def test_refusals_are_listed(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", "/v2/refusals?hub=live&rule=ipLimit&limit=50", {"items": [ITEM], "marker": ""})
    result = oxbow("refusals", "--hub", "live", "--rule", "ipLimit")
    header, line = result.output.splitlines()
    assert header.split() == ["AT", "ID", "WHAT", "WHERE", "CLIENT", "RULE", "REASON", "MORE"]
    assert line.split()[2:] == [
        ITEM["reqid"],
        "play",
        "live/match",
        "203.0.113.9",
        "ipLimit",
        "ip_denied",
        "4312",
    ]


def test_programs_get_json(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", "/v2/refusals?limit=1", {"items": [ITEM], "marker": "9"})
    assert json.loads(oxbow("refusals", "--limit", "1", "--json").output) == [ITEM]
