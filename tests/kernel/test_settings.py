"""Settings: three sources, one answer, and complaints an operator can act on."""

import os
import stat
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import Field

from oxbow.kernel import settings
from oxbow.kernel.settings import KernelSettings, ListenAddress, Section, SettingsError, section


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, an environment without leftovers, a registry that forgets the test's sections."""
    for name in [name for name in os.environ if name.startswith("OXBOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OXBOW_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(section, "_registered", {"": KernelSettings})
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def load_kernel() -> KernelSettings:
    return settings.load(KernelSettings)


def complaints(action=settings.check) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        action()
    return raised.value.problems


def test_defaults_need_nothing_set(monkeypatch):
    monkeypatch.delenv("OXBOW_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    loaded = load_kernel()
    assert loaded.home == Path("/home/someone/.oxbow")
    assert str(loaded.api_listen) == "127.0.0.1:7070"
    assert (loaded.media_listen.port, loaded.rtmp_listen.port) == (7080, 1935)
    assert 1 <= loaded.media_workers <= 8


def test_the_environment_wins_over_the_file(home, monkeypatch):
    (home / "oxbow.toml").write_text('api_listen = "7001"\nmedia_listen = 7002\n')
    monkeypatch.setenv("OXBOW_API_LISTEN", ":7003")
    loaded = load_kernel()
    assert (loaded.api_listen.port, loaded.media_listen.port) == (7003, 7002)


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("OXBOW_API_LISTEN", "")
    assert load_kernel().api_listen.port == 7070


def test_lists_are_written_with_commas(monkeypatch):
    monkeypatch.setenv("OXBOW_OUTBOUND_ALLOW", "10.1.0.0/16, fd00::/8")
    assert load_kernel().outbound_allow == [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]


def test_two_homes_have_two_directories_in_shared_memory(monkeypatch, tmp_path):
    first = load_kernel().shm_dir
    monkeypatch.setenv("OXBOW_HOME", str(tmp_path / "other"))
    assert first != load_kernel().shm_dir
    assert str(first).startswith("/dev/shm/oxbow-")


def test_every_wrong_setting_is_named_with_what_was_given_and_what_it_takes(home, monkeypatch):
    (home / "oxbow.toml").write_text("rtmp_listen = 70000\n")
    monkeypatch.setenv("OXBOW_MEDIA_WORKERS", "many")
    monkeypatch.setenv("OXBOW_LOG_LEVEL", "loud")
    monkeypatch.setenv("OXBOW_OUTBOUND_ALLOW", "10.0.0.0/8,nowhere,nothing")
    assert complaints() == [
        f"OXBOW_RTMP_LISTEN=70000 (in {home}/oxbow.toml): it takes {ListenAddress.TAKES}",
        "OXBOW_MEDIA_WORKERS=many: it takes a whole number, at least 1, at most 64",
        "OXBOW_OUTBOUND_ALLOW=10.0.0.0/8,nowhere,nothing: "
        "it takes networks such as 10.1.0.0/16, separated by commas",
        "OXBOW_LOG_LEVEL=loud: it takes one of debug, info, warning, error",
    ]


def test_a_secret_is_never_shown(monkeypatch):
    monkeypatch.setenv("OXBOW_ROOT_ACCESS_KEY", "root-access-key")
    monkeypatch.setenv("OXBOW_ROOT_SECRET_KEY", "too-short")
    assert complaints() == ["OXBOW_ROOT_SECRET_KEY: it takes 16 to 128 characters"]
    monkeypatch.setenv("OXBOW_ROOT_SECRET_KEY", "long-enough-to-be-a-secret")
    assert "long-enough" not in repr(load_kernel())


def test_a_database_url_is_a_secret_and_names_postgresql(monkeypatch):
    monkeypatch.setenv("OXBOW_DATABASE_URL", "mysql://me:hush@db/oxbow")
    assert complaints() == ["OXBOW_DATABASE_URL: it takes postgresql://user:password@host:5432/name"]
    monkeypatch.setenv("OXBOW_DATABASE_URL", "postgres://me:hush@db/oxbow")
    assert "hush" not in repr(load_kernel())


def test_root_keys_come_in_pairs(monkeypatch):
    monkeypatch.setenv("OXBOW_ROOT_ACCESS_KEY", "root-access-key")
    assert complaints(load_kernel)[0].startswith("OXBOW_ROOT_SECRET_KEY is not set")


def test_unknown_names_are_refused_with_the_closest_known_one(home, monkeypatch):
    (home / "oxbow.toml").write_text('api_lissten = "7001"\n[liev]\n')

    class LiveSection(Section, env_prefix="OXBOW_LIVE_", toml_table="live"):
        grace_seconds: int = Field(default=10, description="The grace time.")

    assert complaints() == [
        f"[liev]: unknown table in {home}/oxbow.toml; did you mean live?",
        f"api_lissten: unknown setting in {home}/oxbow.toml; did you mean api_listen?",
    ]


def test_unknown_variables_are_told_but_stop_nothing(home, monkeypatch):
    monkeypatch.setenv("OXBOW_LOG_LEVL", "info")
    assert settings.check() == [
        "OXBOW_LOG_LEVL: unknown setting in the environment; did you mean OXBOW_LOG_LEVEL?"
    ]


def test_a_room_brings_its_own_section(home, monkeypatch):
    class LiveSection(Section, env_prefix="OXBOW_LIVE_", toml_table="live"):
        grace_seconds: int = Field(default=10, le=60, description="The grace time.")
        takeover: bool = Field(default=False, description="Whether a second publisher takes over.")

    (home / "oxbow.toml").write_text("[live]\ngrace_seconds = 20\n")
    monkeypatch.setenv("OXBOW_LIVE_TAKEOVER", "yes")
    loaded = settings.load(LiveSection)
    assert (loaded.grace_seconds, loaded.takeover) == (20, True)
    settings.check()
    rows = {row.env_name: row for row in settings.documented_settings()}
    assert rows["OXBOW_LIVE_GRACE_SECONDS"].toml_key == "live.grace_seconds"
    assert rows["OXBOW_LIVE_GRACE_SECONDS"].takes == "a whole number, at most 60"


def test_a_section_that_is_no_table_is_refused(home):
    class LiveSection(Section, env_prefix="OXBOW_LIVE_", toml_table="live"):
        grace_seconds: int = Field(default=10, description="The grace time.")

    (home / "oxbow.toml").write_text("live = 5\n")
    assert f"{home}/oxbow.toml: live is a table, write [live]" in complaints()


def test_a_named_file_must_exist_and_be_toml(tmp_path, monkeypatch):
    monkeypatch.setenv("OXBOW_CONFIG", str(tmp_path / "mine.toml"))
    assert complaints(load_kernel) == [
        f"OXBOW_CONFIG={tmp_path}/mine.toml: no such file; it takes the path of a TOML file"
    ]
    (tmp_path / "mine.toml").write_text("api_listen = \n")
    assert complaints(load_kernel)[0].startswith(f"{tmp_path}/mine.toml: cannot be read as TOML: ")


def test_every_setting_is_described():
    assert [row.env_name for row in settings.documented_settings() if not row.description] == []


def test_the_home_is_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("OXBOW_HOME", str(tmp_path / "deep" / "home"))
    load_kernel().create_home()
    assert stat.S_IMODE((tmp_path / "deep" / "home").stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_is_a_settings_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OXBOW_HOME", str(tmp_path / "file" / "home"))
    problem = complaints(load_kernel().create_home)[0]
    assert problem.startswith(f"OXBOW_HOME={tmp_path}/file/home: cannot be created")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:7070", "127.0.0.1", 7070),
        (":7070", "0.0.0.0", 7070),
        ("7070", "0.0.0.0", 7070),
        ("[::1]:7070", "::1", 7070),
        ("live.example.com:0", "live.example.com", 0),
    ],
)
def test_listen_addresses(text, host, port):
    address = ListenAddress.parse(text)
    assert (address.host, address.port) == (host, port)
    assert ListenAddress.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1:", "1.2.3.4:65536", "::1:80", "a b:80", ":-1"])
def test_what_is_no_listen_address(text):
    with pytest.raises(ValueError, match="an address such as"):
        ListenAddress.parse(text)
