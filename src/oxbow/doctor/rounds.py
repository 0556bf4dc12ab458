"""The order of the examination: what later checks need is checked first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from oxbow.client import Client
from oxbow.doctor import house, machine
from oxbow.doctor.finding import Finding, State
from oxbow.doctor.records import database
from oxbow.kernel.settings import KernelSettings, load


def examine(connect: Callable[[KernelSettings], Client | None]) -> list[Finding]:
    """Examine this machine and the house on it; nothing is changed.

    :param connect: gives a client that signs as the root account, or None while there are no keys.
    """
    findings = [machine.python(), machine.clock(), machine.open_files(), machine.ffmpeg()]
    settings_findings = house.settings_findings()
    findings += settings_findings
    if any(finding.state is State.BROKEN for finding in settings_findings):
        return findings
    return findings + examine_house(load(KernelSettings), connect)


def examine_house(
    settings: KernelSettings, connect: Callable[[KernelSettings], Client | None]
) -> list[Finding]:
    """What depends on the settings, once they are right."""
    server = house.server(settings, connect(settings))
    running = server.state is State.OK
    return [
        house.home(settings),
        machine.shared_memory(settings.shm_dir),
        asyncio.run(database(settings)),
        server,
        *house.ports(settings, running=running),
    ]
