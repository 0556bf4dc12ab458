"""The room as the composition root sees it, and its settings."""

import asyncio
from zoneinfo import ZoneInfo

import pytest

from oxbow.kernel.accounts import AccountService, AccountStore
from oxbow.kernel.database import Database
from oxbow.kernel.health import Health
from oxbow.kernel.metering import MeteringService
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.settings import KernelSettings, SettingsError, load
from oxbow.kernel.settings.tasks import TaskSettings
from oxbow.kernel.tasks import TaskService
from oxbow.rooms.live import room as room_module
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.room import LiveRoom
from oxbow.rooms.live.settings import LiveSettings


@pytest.fixture
async def room(sqlite_database: Database, board, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room_module, "HEARTBEAT_SECONDS", 0.01)
    accounts = AccountService(AccountStore(sqlite_database))
    await accounts.open(KernelSettings(home=tmp_path))
    tasks = TaskService(TaskSettings(), sqlite_database, server="here")
    metering = MeteringService(sqlite_database, ZoneInfo("UTC"))
    room = LiveRoom(LiveSettings(), sqlite_database, accounts, board, tasks, metering, node="here")
    assert {"live.tidy", "live.bind_domain", "live.issue_certificate"} <= {kind.name for kind in tasks.kinds}
    yield room
    await room.close()


async def test_it_is_ready_once_its_configuration_is_read(room: LiveRoom):
    health = Health()
    room.add_checks(health)
    assert await health.failing() == {"live": "the configuration is not read yet"}
    await room.open()
    assert await health.failing() == {}


async def test_what_is_on_the_board_is_seen(room: LiveRoom, board, monkeypatch: pytest.MonkeyPatch):
    await room.open()
    board.go_live("live", "stream")
    seen = asyncio.get_running_loop().create_future()

    def publish_seen(sessions: list[str], at: float) -> None:
        if sessions and not seen.done():
            seen.set_result(sessions)

    monkeypatch.setattr(room.service, "publish_seen", publish_seen)
    async with asyncio.timeout(10):
        assert await seen == ["live/stream"]


async def test_metrics_tell_what_waits(room: LiveRoom):
    metrics = Metrics()
    room.add_metrics(metrics.registry)
    room.service.publish_started(LivePublisher("live", "stream", "a", "", "", 1))
    assert b"oxbow_live_history_waiting 1.0" in metrics.render()


class TestSettings:
    def test_defaults(self):
        assert load(LiveSettings).default_hub == "live"

    def test_no_default_hub(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("OXBOW_LIVE_DEFAULT_HUB", "-")
        assert load(LiveSettings).default_hub == ""

    @pytest.mark.parametrize(
        ("name", "value", "takes"),
        [
            ("DEFAULT_HUB", "no/hub", "a hub's name"),
            ("CNAME_SUFFIX", "localhost", "a host name with a dot"),
            ("TICK_MS", "5", "at least 10"),
            ("GRACE_SECONDS", "soon", "a number"),
        ],
    )
    def test_wrong_values(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, takes: str):
        monkeypatch.setenv(f"OXBOW_LIVE_{name}", value)
        with pytest.raises(SettingsError, match=f"OXBOW_LIVE_{name}={value}.*{takes}"):
            load(LiveSettings)

    def test_a_viewer_cannot_lag_behind_the_log(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("OXBOW_LIVE_MAX_LAG_SECONDS", "30")
        with pytest.raises(SettingsError, match="OXBOW_LIVE_LOG_SECONDS=12"):
            load(LiveSettings)

    def test_every_field_is_described(self):
        assert all(field.description for field in LiveSettings.model_fields.values())
