"""What the doctor finds about a server's home, ports, database and settings."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from oxbow.client import Client
from oxbow.doctor import State, house
from oxbow.doctor.records import database
from oxbow.kernel.database import Database
from oxbow.kernel.settings import KernelSettings, ListenAddress

Configured = Callable[..., KernelSettings]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """Settings of a home that does not exist yet."""
    return lambda **settings: KernelSettings(home=tmp_path / "home", **settings)


def test_a_home_need_not_exist_yet(configured: Configured) -> None:
    finding = house.home(configured())
    assert (finding.state, "first start" in finding.detail) == (State.OK, True)


def test_a_home_that_others_may_read_is_broken(configured: Configured) -> None:
    settings = configured()
    settings.home.mkdir(mode=0o755)
    finding = house.home(settings)
    assert (finding.state, finding.remedy) == (State.BROKEN, f"chmod 700 {settings.home}")


def test_a_private_home_is_fine(configured: Configured) -> None:
    settings = configured()
    settings.home.mkdir(mode=0o700)
    assert house.home(settings).state is State.OK


def test_free_ports_are_fine(configured: Configured) -> None:
    free = ListenAddress("127.0.0.1", 0)
    settings = configured(api_listen=free, media_listen=free, object_listen=free, rtmp_listen=free)
    assert {finding.state for finding in house.ports(settings, running=False)} == {State.OK}


@pytest.mark.parametrize(("running", "state"), [(False, State.BROKEN), (True, State.OK)])
def test_a_port_in_use_is_fine_only_if_our_server_runs(
    configured: Configured, running: bool, state: State
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = ListenAddress(*taken.getsockname())
        findings = house.ports(configured(rtmp_listen=listen), running=running)
    assert findings[-1].state is state
    assert running or "OXBOW_RTMP_LISTEN" in findings[-1].remedy


def test_an_address_of_another_machine_is_broken(configured: Configured) -> None:
    settings = configured(rtmp_listen=ListenAddress("192.0.2.1", 0))
    finding = house.ports(settings, running=False)[-1]
    assert (finding.state, "OXBOW_RTMP_LISTEN" in finding.remedy) == (State.BROKEN, True)


def test_no_server_is_only_noted(configured: Configured) -> None:
    settings = configured(api_listen=ListenAddress("127.0.0.1", 1))
    client = Client("http://127.0.0.1:1", "access", "secret")
    assert house.server(settings, client).state is State.NOTE
    assert house.server(settings, None).state is State.NOTE


def test_a_database_need_not_exist_yet(configured: Configured) -> None:
    finding = asyncio.run(database(configured()))
    assert (finding.state, "first start" in finding.detail) == (State.OK, True)


def test_a_migrated_database_is_up_to_date(configured: Configured) -> None:
    settings = configured()
    settings.create_home()
    asyncio.run(Database.of(settings).migrate())
    finding = asyncio.run(database(settings))
    assert (finding.state, "up to date" in finding.detail) == (State.OK, True)


def test_an_empty_database_will_be_migrated(configured: Configured) -> None:
    settings = configured()
    settings.create_home()
    (settings.home / "oxbow.db").touch()
    finding = asyncio.run(database(settings))
    assert (finding.state, "next start" in finding.detail) == (State.OK, True)


def test_a_database_that_does_not_answer_is_broken_and_its_password_stays_unsaid(
    configured: Configured,
) -> None:
    url = "postgresql://somebody:hidden@127.0.0.1:1/oxbow"
    finding = asyncio.run(database(configured(database_url=url)))
    assert finding.state is State.BROKEN
    assert "hidden" not in finding.detail


def test_every_wrong_setting_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXBOW_MEDIA_WORKERS", "many")
    monkeypatch.setenv("OXBOW_LIVE_TICK_MS", "0")
    findings = house.settings_findings()
    assert [finding.state for finding in findings] == [State.BROKEN, State.BROKEN]
    assert "OXBOW_MEDIA_WORKERS" in findings[0].detail
    assert "OXBOW_LIVE_TICK_MS" in findings[1].detail


def test_an_unknown_variable_is_noted_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXBOW_RTMP_LISTN", ":1935")
    findings = house.settings_findings()
    assert [finding.state for finding in findings] == [State.NOTE]
    assert "did you mean OXBOW_RTMP_LISTEN" in findings[0].detail
