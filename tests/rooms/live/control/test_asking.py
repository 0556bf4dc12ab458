"""What an operator's servers decide, asked over the real socket: it may take long, and nobody gives up."""

import asyncio

import pytest

from oxbow.rooms.live.control import link as link_module
from oxbow.rooms.live.control import server as server_module
from oxbow.rooms.live.control.messages import AskPlay
from oxbow.rooms.live.policy import PublishRefused
from waiting import soon

from .conftest import House

VIEWER = AskPlay(0, "hub", "stream", "flv.example.com", "flv", "/hub/stream.flv", "no", "192.0.2.1:4000", "")


async def test_a_viewer_is_decided_about(house: House) -> None:
    worker = await house.worker()
    assert (await worker.link.ask_play(VIEWER)).refusal == "origin_refused"


async def test_a_viewer_waits_for_a_control_that_comes_back(house: House) -> None:
    worker = await house.worker()
    await house.control.close()
    answer = asyncio.create_task(worker.link.ask_play(VIEWER))
    await house.open()
    assert (await answer).refusal == "origin_refused"


async def test_a_publisher_is_patient_while_it_is_being_decided(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "REASSURE_SECONDS", 0.01)
    reassured: list[int] = []
    wait_longer = link_module.ControlLink._wait_longer

    def note(link: link_module.ControlLink, ask: int) -> None:
        reassured.append(ask)
        wait_longer(link, ask)

    monkeypatch.setattr(link_module.ControlLink, "_wait_longer", note)
    house.authority.agrees.clear()
    worker = await house.worker()
    answer = asyncio.create_task(worker.publish("first"))
    await soon(lambda: len(reassured) >= 2, "two words of patience")
    house.authority.agrees.set()
    assert (await answer).refusal == ""
    assert len(set(reassured)) == 1


async def test_whoever_an_operators_server_refuses_takes_nobodys_place(house: House) -> None:
    house.authority.takeover = True
    worker, other = await house.worker(0), await house.worker(1)
    await worker.publish("first")
    house.authority.objection = PublishRefused("connect_refused", "no")
    assert (await other.publish("second")).refusal == "connect_refused"
    assert (house.on_air(), worker.cuts) == ("first", [])
    assert house.authority.consulted == [("first", False), ("second", True)]
    assert house.authority.told == []


async def test_what_went_on_without_control_is_told_to_it(house: House) -> None:
    worker = await house.worker()
    await worker.publish("first")
    await house.control.close()
    await house.open()
    await soon(lambda: house.authority.back == ["first"])
