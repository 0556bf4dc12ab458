"""The official SDKs, as they are, against the API."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from qiniu.auth import Auth, QiniuMacAuth, QiniuMacRequestsAuth, RequestsAuth

from e2e.media import Clip, Publisher
from e2e.server import ACCESS_KEY, SECRET_KEY, Server
from oxbow.client import stream_path

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
NODE_SDK = HERE / "npm/node_modules/piliv2"


@pytest.fixture
def session(server: Server) -> requests.Session:
    """An HTTP session that signs as the Python SDK signs management requests."""
    made = requests.Session()
    made.trust_env = False
    made.auth = QiniuMacRequestsAuth(QiniuMacAuth(ACCESS_KEY, SECRET_KEY))
    return made


def test_the_python_sdk_manages_hubs_and_streams(server: Server, session: requests.Session, hub: str) -> None:
    streams = f"{server.api}/v2/hubs/{hub}/streams"
    created = session.post(streams, json={"key": "evening"})
    assert (created.status_code, created.json()) == (200, {})
    assert created.headers["X-Reqid"]
    again = session.post(streams, json={"key": "evening"})
    assert (again.status_code, again.json()) == (614, {"error": "stream already exists"})
    listed = session.get(streams, params={"prefix": "even", "limit": 10})
    assert listed.json() == {"items": [{"key": "evening"}], "marker": ""}


def test_the_python_sdk_may_sign_without_a_date(
    server: Server, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISABLE_QINIU_TIMESTAMP_SIGNATURE", "true")
    answer = session.get(f"{server.api}/v2/hubs")
    assert "X-Qiniu-Date" not in answer.request.headers
    assert answer.status_code == 200


def test_the_python_sdk_may_sign_the_old_way(server: Server) -> None:
    old = RequestsAuth(Auth(ACCESS_KEY, SECRET_KEY))
    answer = requests.get(f"{server.api}/v2/hubs", auth=old, timeout=10)
    assert answer.request.headers["Authorization"].startswith("QBox ")
    assert answer.status_code == 200


def test_a_wrong_secret_is_refused_without_a_reason(server: Server) -> None:
    wrong = QiniuMacRequestsAuth(QiniuMacAuth(ACCESS_KEY, "wrong"))
    unknown = QiniuMacRequestsAuth(QiniuMacAuth("unknown-access-key", SECRET_KEY))
    answers = [requests.get(f"{server.api}/v2/hubs", auth=auth, timeout=10) for auth in (wrong, unknown)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["Content-Type"] == "application/json"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js (Debian: apt install nodejs npm)")
@pytest.mark.skipif(
    not NODE_SDK.exists(), reason="needs the npm packages of tests/e2e/npm (make test installs them)"
)
def test_the_node_sdk_manages_streams(
    server: Server,
    hub: str,
    stream: str,
    clip: Callable[[str], Clip],
    live_info: Callable[[str], dict[str, Any]],
) -> None:
    done = subprocess.run(
        [
            "node",
            "--no-deprecation",
            str(HERE / "node_sdk.js"),
            str(server.api_port),
            ACCESS_KEY,
            SECRET_KEY,
            hub,
            stream,
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["again"] == "stream already exists"
    assert (told["listed"], told["marker"]) == ([stream], None)
    assert abs(told["createdAt"] - time.time()) < 60
    assert (told["live"]["startAt"], told["live"]["fps"]) == (0, {"audio": 0, "video": 0, "data": 0})
    assert told["disabledTill"] == -1
    assert (told["history"], told["batch"]) == ([], [])


def test_live_figures_in_bulk(
    server: Server,
    session: requests.Session,
    hub: str,
    stream: str,
    clip: Callable[[str], Clip],
    live_info: Callable[[str], dict[str, Any]],
) -> None:
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        one = live_info(stream)
        asked = {"items": [stream, "offline", "unknown0"]}
        items = session.post(f"{server.api}/v2/hubs/{hub}/livestreams", json=asked).json()["items"]
    assert [item["key"] for item in items] == [stream]
    assert items[0]["startAt"] == one["startAt"]
    assert items[0]["clientIP"] == one["clientIP"]


def test_an_unknown_stream_has_no_live_figures(server: Server, session: requests.Session, hub: str) -> None:
    answer = session.get(f"{server.api}{stream_path(hub, 'unknown')}/live")
    assert (answer.status_code, answer.json()) == (404, {"error": "not found"})
