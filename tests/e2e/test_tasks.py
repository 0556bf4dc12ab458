"""Durable tasks in real servers that are killed, share a PostgreSQL, or lose it."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.media import eventually
from e2e.server import Server
from oxbow.client import Client, stream_path

pytestmark = pytest.mark.e2e

NewServer = Callable[..., Server]
POINTS = ["live.tidy.cleared", "tasks.step_done", "tasks.settled"]
"""In the order in which one task comes past them; tests/kernel/tasks/test_faults.py goes through all."""


def tidyings(api: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/v2/tasks", {"kind": "live.tidy"})["items"]
    return found


def succeeded(api: Client) -> dict[str, Any] | None:
    """The one tidying that there is, once it is done."""
    (task,) = tidyings(api) or [None]
    return task if task and task["state"] == "succeeded" else None


def make_due(database: Path, stream: str) -> None:
    """Let a stream have expired, and the hour's tidying be still to be done."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE live_stream SET created_at = 1 WHERE key = ?", (stream,))
        connection.execute("DELETE FROM task")
    connection.close()


def test_a_task_survives_a_kill_at_each_point_between_effect_and_record(
    new_server: NewServer, tmp_path: Path
) -> None:
    points = tmp_path / "points"
    points.mkdir()
    server = new_server(tasks_crash_dir=points, tasks_poll_seconds=0.2)
    with server, server.client() as api:
        api.post("/v2/hubs/live/streams", {"key": "expired"})
        eventually(lambda: succeeded(api), "the first tidying")
    make_due(server.home / "oxbow.db", "expired")
    for point in POINTS:
        (points / point).touch()
    with server, server.client() as api:
        eventually(lambda: not list(points.iterdir()), "a death at each point", seconds=60)
        eventually(server.ready, "the server to be back")
        task = eventually(lambda: succeeded(api), "the tidying that was killed so often")
        assert (task["attempts"], task["progress"], task["error"]) == (1, 1.0, "")
        assert (
            task["note"] == "0 expired streams cleared away"
        )  # The step that was repeated had done it before.
        assert api.get("/v2/hubs/live/streams")["items"] == []
        assert len(tidyings(api)) == 1


def shared(postgres_url: str) -> dict[str, Any]:
    """The settings of servers that share a database."""
    quick = {"tasks_poll_seconds": 0.2, "tasks_takeover_seconds": 3, "media_workers": 1}
    return {"database_url": postgres_url, **quick}


@pytest.mark.postgres
class TestTwoServersOnOneDatabase:
    @pytest.fixture
    def two(self, new_server: NewServer, postgres_url: str) -> list[Server]:
        return [new_server(name, **shared(postgres_url)) for name in ("one", "two")]

    def test_what_is_changed_on_one_counts_on_both(self, two: list[Server]) -> None:
        one, other = two
        with one, other, one.client() as here, other.client() as there:
            here.post("/v2/hubs/live/streams", {"key": "stream"})
            publish = {"url": "rtmp://anywhere/live/stream", "action": "publish"}
            assert there.post("/v2/hubs/live/explain", publish)["allowed"]
            here.post(f"{stream_path('live', 'stream')}/disabled", {"disabledTill": -1})
            refused = eventually(
                lambda: not (answer := there.post("/v2/hubs/live/explain", publish))["allowed"] and answer,
                "the other server to know",
            )
            assert refused["reason"] == "stream_disabled"

    def test_one_of_them_tidies_and_the_other_takes_over_when_it_is_killed(
        self, new_server: NewServer, postgres_url: str, tmp_path: Path
    ) -> None:
        points = tmp_path / "points"
        points.mkdir()
        one = new_server("one", tasks_crash_dir=points, **shared(postgres_url))
        other = new_server("two", **shared(postgres_url))
        (points / "tasks.step_done").touch()
        one.start()
        eventually(lambda: not list(points.iterdir()), "its death in the middle of the task")
        one.stop(signal.SIGKILL)  # Before its supervisor can start it again.
        with other, other.client() as api:
            task = eventually(lambda: succeeded(api), "the other to take over", seconds=30)
            assert (task["attempts"], task["server"].endswith("/two")) == (1, True)
            assert len(tidyings(api)) == 1
