"""An operator's server decides: by status and field, once for all who ask the same, and bounded."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from hostile import Server, answer, hang, redirect, saying, serving
from oxbow.kernel.outbound import OutboundClient
from oxbow.rooms.live.callbacks.origin import AT_A_TIME, OriginAuthority, OriginVerdict
from oxbow.rooms.live.callbacks.settings import OriginAuth
from oxbow.rooms.live.callbacks.variables import Facts
from waiting import soon


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


async def no_pair(account: int) -> None:
    return None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def authority(clock: Clock) -> AsyncIterator[OriginAuthority]:
    client = OutboundClient([ip_network("127.0.0.1/32")])
    authority = OriginAuthority(client, no_pair, clock)
    yield authority
    await authority.close()
    await client.close()


def setting(server: Server, **options: object) -> OriginAuth:
    variables = {"stream": "$(streamKey)", "token": "$(_token)"}
    return OriginAuth("GET", server.url("/auth"), vars=variables, **options)  # type: ignore[arg-type]


async def asked(authority: OriginAuthority, auth: OriginAuth, shown: str = "x") -> OriginVerdict:
    facts = Facts("play", "live", "one", "flv.example.com", "192.0.2.1:5000", 100.0, query=f"token={shown}")
    return await authority.decide(1, "flv.example.com", auth, auth.hook(facts))


@pytest.mark.parametrize(
    ("reply", "options", "reason"),
    [
        (answer(200), {}, ""),
        (answer(403), {}, "origin_refused"),
        (answer(204), {"success_code": 204}, ""),
        (answer(500), {}, "origin_unavailable"),
        (answer(500), {"on_failure": "allow"}, ""),
        (answer(403), {"on_failure": "allow"}, "origin_refused"),
        (answer(200, b'{"ok": true}'), {"field": "ok", "value": "true"}, ""),
        (answer(200, b'{"ok": false}'), {"field": "ok", "value": "true"}, "origin_refused"),
        (answer(200, b'{"code": 0}'), {"field": "code", "value": "0"}, ""),
        (answer(200, b"{}"), {"field": "code", "value": "0"}, "origin_refused"),
        (answer(200, b"[1]"), {"field": "code", "value": "0"}, "origin_unavailable"),
        (answer(200, b"\xff garbage"), {"field": "code", "value": "0"}, "origin_unavailable"),
        (answer(200, b"[" * 10_000_000), {"field": "code", "value": "0"}, "origin_unavailable"),
        (answer(200, b"x" * 10_000_000), {}, ""),
        (b"no HTTP at all\r\n\r\n", {}, "origin_unavailable"),
    ],
)
async def test_what_an_answer_decides(
    authority: OriginAuthority, reply: bytes, options: dict[str, object], reason: str
) -> None:
    async with serving(saying(reply)) as server:
        assert (await asked(authority, setting(server, **options))).reason == reason


@pytest.mark.parametrize("behaviour", [hang, redirect("http://10.0.0.1/")], ids=["hangs", "redirects inside"])
@pytest.mark.parametrize(("on_failure", "reason"), [("refuse", "origin_unavailable"), ("allow", "")])
async def test_one_that_means_harm_counts_as_down(
    authority: OriginAuthority, behaviour: object, on_failure: str, reason: str
) -> None:
    async with serving(behaviour) as server:  # type: ignore[arg-type]
        auth = setting(server, timeout=1, on_failure=on_failure)
        assert (await asked(authority, auth)).reason == reason


async def test_the_same_is_asked_once_however_many_wait(authority: OriginAuthority) -> None:
    async with serving(saying(answer(200))) as server:
        verdicts = await asyncio.gather(*(asked(authority, setting(server)) for _ in range(1000)))
    assert all(verdict.allowed for verdict in verdicts)
    assert len(server.requests) == 1


async def test_a_setting_that_judges_otherwise_is_not_answered_from_memory(
    authority: OriginAuthority,
) -> None:
    async with serving(saying(answer(200))) as server:
        assert (await asked(authority, setting(server, cache_seconds=60))).allowed
        changed = setting(server, cache_seconds=60, success_code=204)
        assert (await asked(authority, changed)).reason == "origin_refused"


async def test_questions_to_one_server_are_bounded(authority: OriginAuthority) -> None:
    async with serving(hang) as server:
        auth = setting(server, timeout=10)
        waiting = [asyncio.create_task(asked(authority, auth, str(number))) for number in range(100)]
        await soon(lambda: len(server.requests) == AT_A_TIME)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert server.connections == AT_A_TIME


@pytest.mark.parametrize(
    ("header", "seconds", "kept"),
    [
        ("X: y", 0, 0),
        ("X: y", 30, 30),
        ("Cache-Control: max-age=60", 30, 60),
        ("Cache-Control: no-store", 30, 0),
    ],
)
async def test_an_answer_counts_as_long_as_it_says(
    authority: OriginAuthority, clock: Clock, header: str, seconds: int, kept: int
) -> None:
    async with serving(saying(answer(200, b"", header))) as server:
        auth = setting(server, cache_seconds=seconds)
        await asked(authority, auth)
        clock.now += max(0, kept - 1)
        await asked(authority, auth)
        assert len(server.requests) == (1 if kept else 2)
        clock.now += 1
        await asked(authority, auth)
        assert len(server.requests) == (2 if kept else 3)


async def test_who_shows_something_else_is_asked_about(authority: OriginAuthority) -> None:
    async with serving(saying(answer(200))) as server:
        auth = setting(server, cache_seconds=60)
        await asked(authority, auth, "one")
        await asked(authority, auth, "two")
    assert [head.split()[1] for head in server.requests] == [
        b"/auth?stream=live%2Fone&token=one",
        b"/auth?stream=live%2Fone&token=two",
    ]
