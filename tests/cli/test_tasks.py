"""`oxbow task`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

Oxbow = Callable[..., Result]

TASK = {
    "id": "018bcfe56800aaaa",
    "kind": "live.bind_domain",
    "subject": "flv.example.com",
    "state": "waiting",
    "cancelling": False,
    "progress": 0.25,
    "note": "",
    "waitsFor": "the CNAME of flv.example.com",
    "waitingSince": 1_700_000_000,
    "deadline": 1_700_086_400,
    "attempts": 1,
    "maxAttempts": 3,
    "nextAttemptAt": 0,
    "error": "",
    "server": "host:/srv",
    "createdAt": 1_699_999_990,
    "startedAt": 1_699_999_991,
    "updatedAt": 1_700_000_000,
    "finishedAt": 0,
}


def test_tasks_are_listed_with_what_they_wait_for(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", "/v2/tasks?state=waiting&limit=50", {"items": [TASK], "marker": ""})
    header, line = oxbow("task", "list", "--state", "waiting").output.splitlines()
    assert header.split() == ["ID", "KIND", "SUBJECT", "STATE", "DONE", "TRIES", "CREATED", "SAYS"]
    assert "waiting  25%   1/3" in line
    assert line.endswith("waits for the CNAME of flv.example.com since 2023-11-14 22:13:20Z")


def test_a_long_list_is_read_page_by_page(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", "/v2/tasks?limit=1000", {"items": [TASK] * 1000, "marker": "m"})
    api.answer("GET", "/v2/tasks?limit=1000&marker=m", {"items": [TASK] * 1000, "marker": ""})
    assert len(json.loads(oxbow("task", "list", "--limit", "1500", "--json").output)) == 1500


def test_a_task_is_shown_without_what_is_not_the_case(api: Any, oxbow: Oxbow) -> None:
    api.answer("GET", f"/v2/tasks/{TASK['id']}", TASK)
    output = oxbow("task", "show", TASK["id"]).output
    assert "waits for      the CNAME of flv.example.com" in output
    assert "attempts       1 of 3" in output
    assert "finished" not in output
    assert "last error" not in output


def test_a_task_is_retried_and_cancelled(api: Any, oxbow: Oxbow) -> None:
    api.answer("POST", f"/v2/tasks/{TASK['id']}/retry", TASK)
    api.answer("POST", f"/v2/tasks/{TASK['id']}/cancel", TASK)
    assert oxbow("task", "retry", TASK["id"]).output == f"task {TASK['id']} is tried again\n"
    assert oxbow("task", "cancel", TASK["id"]).output == f"task {TASK['id']} is being cancelled\n"


def test_a_refusal_is_told(api: Any, oxbow: Oxbow) -> None:
    api.answer("POST", f"/v2/tasks/{TASK['id']}/retry", {"error": "the task is running"}, 409)
    result = oxbow("task", "retry", TASK["id"])
    assert result.exit_code == 1
    assert "the task is running (status 409)" in result.output
