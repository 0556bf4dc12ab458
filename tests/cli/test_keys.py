"""`oxbow keys` works on the home's database, whether a server runs or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from oxbow.kernel.accounts.models import new_key
from oxbow.kernel.accounts.service import AccountService
from oxbow.kernel.accounts.store import AccountStore
from oxbow.kernel.database import Database
from oxbow.kernel.settings import KernelSettings, load

Oxbow = Callable[..., Result]


@pytest.fixture(autouse=True)
def started_once(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """A home in which a server made its first pair of keys."""
    monkeypatch.delenv("OXBOW_ROOT_ACCESS_KEY")
    monkeypatch.delenv("OXBOW_ROOT_SECRET_KEY")

    async def first_start() -> None:
        settings = load(KernelSettings)
        settings.create_home()
        database = Database.of(settings)
        await database.migrate()
        await AccountService(AccountStore(database)).open(settings)
        await database.close()

    asyncio.run(first_start())


def test_the_first_pair_is_shown(oxbow: Oxbow) -> None:
    pair = json.loads(oxbow("keys", "--json").output)
    assert oxbow("keys").output.split() == [
        *("access", "key", pair["accessKey"]),
        *("secret", "key", pair["secretKey"]),
    ]


def test_a_list_tells_no_secret(oxbow: Oxbow) -> None:
    pair = json.loads(oxbow("keys", "create", "--note", "for the encoder", "--json").output)
    output = oxbow("keys", "list").output
    assert pair["accessKey"] in output
    assert "for the encoder" in output
    assert pair["secretKey"] not in output + oxbow("keys", "list", "--json").output


def test_a_disabled_pair_is_not_used_any_more(oxbow: Oxbow) -> None:
    first = json.loads(oxbow("keys", "--json").output)
    second = json.loads(oxbow("keys", "create", "--json").output)
    assert oxbow("keys", "disable", first["accessKey"]).exit_code == 0
    assert json.loads(oxbow("keys", "--json").output) == second
    assert oxbow("keys", "enable", first["accessKey"]).exit_code == 0
    assert oxbow("keys", "list").output.count("enabled") == 2


def test_the_last_pair_stays(oxbow: Oxbow) -> None:
    only = json.loads(oxbow("keys", "--json").output)["accessKey"]
    for command in (["disable", only], ["delete", "--yes", only]):
        result = oxbow("keys", *command)
        assert result.exit_code == 1
        assert "last enabled key pair" in result.stderr


def test_an_unknown_pair_is_named_as_such(oxbow: Oxbow) -> None:
    assert oxbow("keys", "enable", "nobody").stderr == "oxbow: no such access key\n"


def test_a_pair_of_an_earlier_version_may_begin_like_an_option(oxbow: Oxbow, monkeypatch) -> None:
    monkeypatch.setattr("oxbow.kernel.accounts.service.new_key", lambda: "-abc")
    assert oxbow("keys", "create").exit_code == 0
    disabled = oxbow("keys", "disable", "--", "-abc")
    assert (disabled.exit_code, disabled.output) == (0, "disabled -abc\n")


def test_new_keys_do_not(monkeypatch) -> None:
    made = iter(["-abc", "--help", "abc-"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: next(made))
    assert new_key() == "abc-"
