"""What the command line signs is what the server takes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from oxbow.client import play_query
from oxbow.rooms.live.play_security import PlaySecurity, PlaySecurityType, SignedAddress, verify_play

NOTHING: dict[str, Any] = {
    "type": "",
    "key1": "",
    "key2": "",
    "rule": "",
    "rule2": "",
    "tsPart": "",
    "tsBase": 0,
    "signPart": "",
}


def test_the_pages_example():
    security = NOTHING | {"type": "tsExpireMD5", "key1": "test"}
    expected = "sign=86ccb64b114f599e14eb660de7a813a5&t=61769c40"
    assert play_query("/testHub/testStream.m3u8", security, 1_635_163_200) == expected


@pytest.mark.parametrize("kind", ["", "none"])
def test_a_domain_that_asks_for_nothing_gets_nothing(kind: str):
    assert play_query("/hub/stream", NOTHING | {"type": kind, "key1": "k"}, 1) == ""


@pytest.mark.parametrize("path", ["/hub/stream", "/hub/stream.flv"])
@pytest.mark.parametrize("kind", ["tsExpireMD5", "tsStartMD5"])
@pytest.mark.parametrize("base", [0, 2, 10, 36])
def test_the_server_takes_it(path: str, kind: str, base: int):
    rule = "$(streamTitle)|$(key)|$(streamKey)|$(path)|$(_none)|$(_when)"
    shown = {"type": kind, "key2": "k", "rule": rule, "tsPart": "when", "signPart": "proof", "tsBase": base}
    now = int(time.time())
    security = PlaySecurity(
        PlaySecurityType(kind), key2="k", range=60, rule=rule, ts_part="when", sign_part="proof", ts_base=base
    )
    query = play_query(path, NOTHING | shown, now + 30)
    verify_play(security, SignedAddress(path, "hub/stream", query), now + 20)
