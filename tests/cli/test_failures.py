"""Expected failures are told on stderr, with an exit code and without a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from cli.conftest import CannedApi
from oxbow.kernel.settings import SettingsError

Oxbow = Callable[..., Result]


def test_a_refusal_is_told_in_the_servers_words(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("POST", "/v2/hubs", {"error": "hub already exists"}, status=614)
    result = oxbow("hub", "create", "shows")
    assert result.exit_code == 1
    assert result.stderr == "oxbow: the server refused: hub already exists (status 614)\n"
    assert result.stdout == ""


def test_an_answer_that_is_no_json_is_told_by_its_status(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", "/v2/hubs", ["not", "an", "object"], status=500)
    assert "status 500" in oxbow("hub", "list").stderr


def test_a_server_that_does_not_run_has_its_own_exit_code(
    oxbow: Oxbow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXBOW_API_LISTEN", "127.0.0.1:1")
    result = oxbow("hub", "list")
    assert result.exit_code == 3
    assert "oxbow serve" in result.stderr


def test_a_home_without_keys_says_what_makes_them(
    oxbow: Oxbow, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.delenv("OXBOW_ROOT_ACCESS_KEY")
    monkeypatch.delenv("OXBOW_ROOT_SECRET_KEY")
    result = oxbow("keys")
    assert result.exit_code == 1
    assert f"{home}; `oxbow serve`" in result.stderr
    assert not home.exists()


def test_a_wrong_setting_is_named(oxbow: Oxbow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXBOW_API_LISTEN", "nowhere")
    result = oxbow("status")
    assert result.exit_code == 2
    assert result.stderr.startswith("oxbow: OXBOW_API_LISTEN=nowhere")


def test_what_nobody_expected_is_not_hidden(oxbow: Oxbow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxbow.cli.keys.root_pair", lambda settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        oxbow("keys")


def test_every_problem_has_a_line_of_its_own(oxbow: Oxbow, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(section: type) -> None:
        raise SettingsError(["one thing", "another thing"])

    monkeypatch.setattr("oxbow.cli.connection.load", fail)
    assert oxbow("status").stderr == "oxbow: one thing\noxbow: another thing\n"
