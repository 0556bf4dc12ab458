"""What `oxbow domain` tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from cli.conftest import CannedApi

Oxbow = Callable[..., Result]

PATH = "/v2/hubs/shows/domains/flv.example.com"
RECORD = {
    "expected": "flv.example.com.live-hdl.oxbow.internal",
    "right": False,
    "found": ["old.example.net"],
    "addresses": [],
    "problem": "CNAME of flv.example.com to be another",
    "resolver": "192.0.2.53",
    "checkedAt": 1700000000,
}
INFO = {
    "domain": "flv.example.com",
    "type": "liveHdl",
    "cname": RECORD["expected"],
    "ipLimit": {"whitelist": ["192.0.2.7"], "blacklist": []},
    "refererLimit": {"allow": [], "deny": [], "allowEmpty": True},
    "playSecurity": {"type": ""},
    "certName": "6553f1028fc023be39ca9028",
    "disable": False,
    "certificate": {"notAfter": 1700000000, "daysLeft": 12, "state": "expiring", "source": "upload"},
}


def test_a_domain_is_shown_with_its_certificate_and_its_record(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("GET", PATH, INFO)
    api.answer("GET", f"{PATH}/cname", RECORD)
    output = oxbow("domain", "show", "shows", "flv.example.com").output
    assert "expiring, 12 days left, until 2023-11-14" in output
    assert "limits            ipLimit\n" in output
    assert "old.example.net" in output


def test_a_check_says_by_its_exit_code_whether_the_record_is_right(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("POST", f"{PATH}/cname", RECORD)
    wrong = oxbow("domain", "check", "shows", "flv.example.com")
    assert (wrong.exit_code, "to be another" in wrong.output) == (1, True)
    api.answer("POST", f"{PATH}/cname", RECORD | {"right": True, "problem": ""})
    right = oxbow("domain", "check", "shows", "flv.example.com")
    assert (right.exit_code, "leads here" in right.output) == (0, True)


def test_a_certificate_is_uploaded_from_two_files(oxbow: Oxbow, api: CannedApi, tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("the chain")
    (tmp_path / "key.pem").write_text("the key")
    api.answer("POST", "/sslcert", {"certID": "abc"})
    api.answer("POST", f"{PATH}/cert", {})
    files = ("--chain", str(tmp_path / "chain.pem"), "--key", str(tmp_path / "key.pem"))
    done = oxbow("domain", "cert", "shows", "flv.example.com", *files)
    assert "abc" in done.output
    assert "the key" not in done.output
    assert api.asked == [
        ("POST", "/sslcert", {"name": "flv.example.com", "ca": "the chain", "pri": "the key"}),
        ("POST", f"{PATH}/cert", {"certName": "abc"}),
    ]


def test_a_certificate_is_one_of_three_things(oxbow: Oxbow, api: CannedApi) -> None:
    refused = oxbow("domain", "cert", "shows", "flv.example.com", "--none", "--id", "abc")
    assert (refused.exit_code, api.asked) == (2, [])
    assert oxbow("domain", "cert", "shows", "flv.example.com").exit_code == 2


def test_ordering_a_certificate_names_the_task(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("POST", f"{PATH}/acme", {"task": "0123"})
    assert "oxbow task show 0123" in oxbow("domain", "acme", "shows", "flv.example.com").output


def test_binding_says_what_the_record_is_to_be(oxbow: Oxbow, api: CannedApi) -> None:
    api.answer("POST", "/v2/hubs/shows/newdomains", {})
    api.answer("GET", PATH, INFO)
    output = oxbow("domain", "bind", "shows", "flv.example.com", "liveHdl").output
    assert f"CNAME of {RECORD['expected']}" in output
