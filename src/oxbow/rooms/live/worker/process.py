"""The media worker's process: puts its parts together, runs, and ends cleanly.

Started by the supervisor as `python -m oxbow.rooms.live.worker.process INDEX DOOR=ADDRESS...`, such as
`0 rtmp=0.0.0.0:1935 media=0.0.0.0:7080`.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping

import uvloop

from oxbow.kernel import logs
from oxbow.kernel.collector import calm_the_collector
from oxbow.kernel.geoip import GeoCopies
from oxbow.kernel.ports import listen
from oxbow.kernel.settings import KernelSettings, ListenAddress, load
from oxbow.kernel.supervisor import die_with_parent
from oxbow.media.fanout import FanoutLimits
from oxbow.media.registry import Registry
from oxbow.rooms.live.control.link import ControlLink
from oxbow.rooms.live.control.messages import Configure, Cut, Hello, Report
from oxbow.rooms.live.gateways.door import Door
from oxbow.rooms.live.gateways.http.session import http_factory
from oxbow.rooms.live.gateways.rtmp.session import rtmp_factory
from oxbow.rooms.live.gateways.tls.contexts import Contexts
from oxbow.rooms.live.gateways.tls.door import TlsDoor
from oxbow.rooms.live.places import control_socket, streams_root
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.snapshot import compiled
from oxbow.rooms.live.worker.cutting import cut, cut_banned
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.publishing import Publishing
from oxbow.rooms.live.worker.reporting import make_report
from oxbow.rooms.live.worker.shelf import HlsShelf
from oxbow.rooms.live.worker.ticker import Ticker
from oxbow.rooms.live.worker.watching import Watching

DOORS = {
    "rtmp": rtmp_factory,
    "media": http_factory,
    "rtmps": rtmp_factory,
    "media_tls": http_factory,
}
"""What speaks behind each port."""
TLS_DOORS = ("rtmps", "media_tls")

log = logs.get_logger("oxbow.live.worker")


class MediaWorker:
    """One worker, from its sockets to its reports."""

    def __init__(self, index: int, kernel: KernelSettings, live: LiveSettings) -> None:
        self._index = index
        registry = Registry(streams_root(kernel))
        link = ControlLink(control_socket(kernel), self._hello, self._configure, self._cut)
        limits = FanoutLimits(live.max_lag_seconds, live.stall_seconds)
        self.plane = Plane(
            settings=live,
            registry=registry,
            link=link,
            publishing=Publishing(link, live.tick_ms / 1000, live.publish_max_kbps),
            watching=Watching(registry, limits, asyncio.get_running_loop()),
            shelf=HlsShelf(registry),
            geo=GeoCopies(kernel).finder(),
        )
        self._ticker = Ticker(live.tick_ms / 1000, self.plane.publishing.gather, self._serve, self._second)
        self._doors: list[Door] = []
        self._contexts = Contexts()
        self._is_open = False
        self._disabled: set[str] = set()
        """Domains that nobody may use now."""

    def open(self, loop: asyncio.AbstractEventLoop, listeners: Mapping[str, socket.socket]) -> None:
        """Begin to serve; `listeners` by the names in DOORS."""
        self._loop = loop
        self._doors = [self._door(name, sock) for name, sock in listeners.items()]
        self.plane.link.start()
        self._ticker.start(loop)

    def _door(self, name: str, sock: socket.socket) -> Door:
        live, factory = self.plane.settings, DOORS[name](self.plane)
        limits = live.handshake_timeout_seconds, live.connections_per_address
        if name in TLS_DOORS:
            return TlsDoor(name, sock, factory, *limits, self._contexts)
        return Door(name, sock, factory, *limits)

    async def close(self) -> None:
        """Stop: nobody new, then everybody out, and control is told."""
        for door in self._doors:
            door.close()
        self._ticker.stop()
        self._report(0.0)
        for door in self._doors:
            door.end()
        await self.plane.link.close()

    def _hello(self) -> Hello:
        self.plane.publishing.tell_anew()
        return Hello(self._index, os.getpid(), self.plane.publishing.infos())

    def _configure(self, message: Configure) -> None:
        self.plane.config = compiled(message.snapshot, self.plane.config)
        self._disabled = {name for name, domain in message.snapshot.domains.items() if domain.disabled}
        self._cut_disabled()
        cut_banned(self.plane, time.time())
        loaded = self._contexts.configure(message.snapshot.certificates)
        if self._is_open:
            return
        self._is_open = True
        # Before this nobody's hub would be known, nor any certificate: clients wait in the backlog.
        self._open_doors(secure=False)
        loaded.add_done_callback(lambda _: self._open_doors(secure=True))

    def _cut_disabled(self) -> None:
        if self._disabled:
            self.plane.publishing.cut_off(self._disabled, "domain_disabled")
            self.plane.watching.cut_off(self._disabled, "domain_disabled")

    def _open_doors(self, *, secure: bool) -> None:
        for door in self._doors:
            if door.secure == secure:
                door.open(self._loop)

    def _cut(self, message: Cut) -> None:
        cut(self.plane, message.hub, message.stream, message.reason, viewers=message.viewers)

    def _serve(self) -> None:
        self.plane.watching.serve()
        self.plane.shelf.serve()

    def _second(self, elapsed: float) -> None:
        plane = self.plane
        plane.publishing.second()
        plane.watching.second()
        plane.shelf.second()
        self._cut_disabled()  # a publisher that was being let in when its domain was disabled
        plane.geo.refresh()
        for door in self._doors:
            door.sweep(self._loop.time())
        self._report(elapsed)

    def _report(self, elapsed: float) -> None:
        """Tell control what was counted since the last report; while control is away the counting goes on."""
        if not self.plane.link.is_connected:
            return
        for door in self._doors:
            self.plane.refused.update(door.refused)
            door.refused.clear()
        connections = sum(len(door.connections) for door in self._doors)
        report: Report = make_report(self.plane, elapsed, connections)
        self.plane.link.send(report)


async def run(index: int, addresses: Mapping[str, ListenAddress]) -> None:
    """Serve until SIGTERM or SIGINT."""
    worker = MediaWorker(index, load(KernelSettings), load(LiveSettings))
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker.open(loop, {name: listen(address) for name, address in addresses.items()})
    calm_the_collector()
    log.info("media worker ready", worker=index, **{name: str(at) for name, at in addresses.items()})
    await stop.wait()
    await worker.close()


def main(arguments: list[str]) -> None:
    """The process's entry."""
    die_with_parent()
    index = int(arguments[0])
    kernel = load(KernelSettings)
    logs.setup(kernel.log_level, kernel.log_format, f"worker-{index}")
    doors = (argument.split("=", 1) for argument in arguments[1:])
    uvloop.run(run(index, {name: ListenAddress.parse(address) for name, address in doors}))


if __name__ == "__main__":
    main(sys.argv[1:])
