"""`oxbow webhook`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

Oxbow = Callable[..., Result]

LOG = "/v2/webhooks/deliveries"
ITEM = {
    "id": "018bcfe568007d3f5a2e9c01",
    "event": "live.connect",
    "subject": "live/one",
    "url": "http://app.example/hook",
    "state": "failed",
    "attempts": 3,
    "status": 0,
    "error": "no whole answer within 2 seconds",
    "durationMs": 2001,
    "createdAt": 1_700_000_000,
    "nextAttemptAt": 0,
    "finishedAt": 1_700_000_007,
    "replayOf": "",
}


def test_list_narrows_down(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", f"{LOG}?event=live.connect&state=failed&limit=100", {"items": [ITEM], "marker": ""})
    result = oxbow("webhook", "list", "--event", "live.connect", "--state", "failed")
    assert result.exit_code == 0
    assert "2023-11-14 22:13:20Z" in result.output
    assert "live/one  failed  3      -       no whole answer within 2 seconds" in result.output


def test_list_as_json(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", f"{LOG}?limit=100", {"items": [ITEM], "marker": ""})
    assert json.loads(oxbow("webhook", "list", "--json").output) == [ITEM]


def test_show_tells_what_was_sent_and_answered(api: Any, oxbow: Oxbow) -> None:
    shown = ITEM | {"vars": {"stream": "one"}, "answer": "\x1b[2Jline\n"}
    api.answer("GET", f"{LOG}/{ITEM['id']}", shown)
    output = oxbow("webhook", "show", str(ITEM["id"])).output
    assert "finishedAt     2023-11-14 22:13:27Z" in output
    assert "stream='one'" in output
    assert "\x1b" not in output, "an answer is somebody else's text and moves nobody's cursor"


def test_replay(api: Any, oxbow: Oxbow) -> None:
    api.answer("POST", f"{LOG}/{ITEM['id']}/replay", {"id": "018bcfe56bb87d3f5a2e9c02"})
    assert "018bcfe56bb87d3f5a2e9c02" in oxbow("webhook", "replay", str(ITEM["id"])).output
