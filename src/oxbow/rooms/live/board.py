"""What is live now: the table that control keeps from the workers' reports, and answers from."""

import bisect
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from oxbow.media.parameters import UNKNOWN, MediaParameters
from oxbow.rooms.live.audience import Audience, Crowd, total
from oxbow.rooms.live.control.messages import Figures, Kind, LivePublisher, Report

STALE_SECONDS = 5.0
"""A publisher that has been silent for so long has most likely lost its network: its encoder is back before
the dead connection is noticed."""
SWEEP_SECONDS = 5.0
"""How often audiences are looked for that nothing is left of."""


@dataclass(frozen=True, slots=True)
class LiveInfo:
    """A live stream as the API shows it (see https://developer.qiniu.com/pili/2776/live-broadcast-of-real-time-information)."""

    start_at: int
    client_addr: str
    server_addr: str
    bps: int = 0
    video_bps: int = 0
    audio_bps: int = 0
    audio_fps: int = 0
    video_fps: int = 0
    data_fps: int = 0
    max_gop_ms: int = 0
    avg_gop_ms: int = 0
    play_count: int = 0
    bandwidth: int = 0
    """Bits per second sent to all viewers."""
    location: str = ""
    """Where the publisher is; empty where that is not known."""
    isp: str = ""
    """The operator of its network."""


@dataclass(frozen=True, slots=True)
class LiveDetails:
    """What else is known of a live stream."""

    publisher: LivePublisher
    media: MediaParameters
    audience: dict[Kind, Crowd]


@dataclass(slots=True)
class OnAir:
    """A publisher that may publish, and what its worker last said of it."""

    worker: int
    publisher: LivePublisher
    activity: int | str | None = None
    """The history's id of this broadcast."""
    figures: Figures | None = None
    media: MediaParameters = UNKNOWN
    """What its worker said last about its sequence headers."""

    @property
    def is_stale(self) -> bool:
        """Whether it gives way to another publisher, even where a second one is refused."""
        return self.figures is not None and self.figures.silent_seconds > STALE_SECONDS


class Broadcast(msgspec.Struct, frozen=True):
    """Everything that is known of a live stream, as another server on the database may read it."""

    publisher: LivePublisher
    info: LiveInfo
    media: MediaParameters
    audience: list[tuple[Kind, Crowd]]
    is_stale: bool

    @property
    def details(self) -> LiveDetails:
        """What it is made of and who watches it."""
        return LiveDetails(self.publisher, self.media, dict(self.audience))


class Cutter(Protocol):
    """Who carries out a cut: the control server."""

    async def __call__(self, hub: str, stream: str, reason: str, *, viewers: bool = True) -> None: ...


class LiveBoard:
    """Keyed by (hub, stream). Lives in the control process, used from its event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._on_air: dict[tuple[str, str], OnAir] = {}
        self._names: dict[str, list[str]] = {}
        self._audiences: dict[tuple[str, str], Audience] = {}
        self._serving: dict[int, set[tuple[str, str]]] = {}
        """The streams whose audiences a worker had a part in when it reported last."""
        self._swept = clock()
        self._cutter: Cutter | None = None
        self._versions: dict[int, int] = {}
        """Of the configuration, by worker."""

    def get(self, hub: str, stream: str) -> OnAir | None:
        """The stream's publisher, or None while it has none."""
        return self._on_air.get((hub, stream))

    def all(self) -> list[OnAir]:
        """Everything that is on air."""
        return list(self._on_air.values())

    def put(self, on_air: OnAir) -> None:
        """A publisher was let in; it replaces the stream's former one."""
        key = (on_air.publisher.hub, on_air.publisher.stream)
        if key not in self._on_air:
            bisect.insort(self._names.setdefault(key[0], []), key[1])
        self._on_air[key] = on_air

    def remove(self, hub: str, stream: str, session: str) -> OnAir | None:
        """A publisher has gone; None if the stream has another one by now."""
        on_air = self._on_air.get((hub, stream))
        if on_air is None or on_air.publisher.session != session:
            return None
        del self._on_air[hub, stream]
        names = self._names[hub]
        names.pop(bisect.bisect_left(names, stream))
        return on_air

    def report(self, worker: int, report: Report) -> None:
        """Take a worker's report: it stands for everything that the worker carries now."""
        now, served = self._clock(), set[tuple[str, str]]()
        for stream in report.streams:
            key = (stream.hub, stream.stream)
            if stream.publisher is not None:
                self._take_figures(key, stream.publisher)
            if stream.shares:
                self._audience(key).take(worker, stream, report.kinds, now)
                served.add(key)
        self._serve_only(worker, served)
        if now - self._swept >= SWEEP_SECONDS:
            self._sweep(now)

    def _take_figures(self, key: tuple[str, str], figures: Figures) -> None:
        on_air = self._on_air.get(key)
        if on_air is not None and figures.session == on_air.publisher.session:
            on_air.figures = figures
            if figures.media is not None:
                on_air.media = figures.media

    def _audience(self, key: tuple[str, str]) -> Audience:
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience()
        return audience

    def _serve_only(self, worker: int, streams: set[tuple[str, str]]) -> None:
        """The worker has no viewers but those of these streams."""
        for key in self._serving.pop(worker, set()) - streams:
            if key in self._audiences:
                self._audiences[key].lost(worker)
        if streams:
            self._serving[worker] = streams

    def _sweep(self, now: float) -> None:
        self._swept = now
        for key in [key for key, audience in self._audiences.items() if audience.is_over(now)]:
            del self._audiences[key]

    def acknowledge(self, worker: int, version: int) -> None:
        """A worker goes by this version of the configuration; 0 for one that has none yet."""
        self._versions[worker] = version

    def all_know(self, version: int) -> bool:
        """Whether there are workers here, and all of them go by this version or a later one."""
        return bool(self._versions) and min(self._versions.values()) >= version

    def drop_worker(self, worker: int) -> list[OnAir]:
        """A worker died: its viewers are gone and so are its publishers, which are returned."""
        self._versions.pop(worker, None)
        self._serve_only(worker, set())
        lost = [on_air for on_air in self._on_air.values() if on_air.worker == worker]
        for on_air in lost:
            self.remove(on_air.publisher.hub, on_air.publisher.stream, on_air.publisher.session)
        return lost

    def viewers(self, hub: str, stream: str) -> dict[str, int]:
        """A stream's viewers by protocol: rtmp, flv, ws, hls."""
        counts: Counter[str] = Counter()
        for kind, crowd in self.crowds(hub, stream).items():
            if crowd.viewers:
                counts[kind.protocol] += crowd.viewers
        return dict(counts)

    def crowds(self, hub: str, stream: str) -> dict[Kind, Crowd]:
        """A stream's viewers, and what goes out to them, by domain, protocol, area and operator."""
        audience = self._audiences.get((hub, stream))
        return audience.crowds(self._clock()) if audience is not None else {}

    def all_viewers(self) -> dict[str, int]:
        """Everybody who watches anything, by protocol."""
        now, counts = self._clock(), dict.fromkeys(("rtmp", "flv", "ws", "hls"), 0)
        for audience in self._audiences.values():
            for kind, viewers in audience.viewers(now).items():
                counts[kind.protocol] += viewers
        return counts

    def info(self, hub: str, stream: str) -> LiveInfo | None:
        """A live stream's figures, or None while it is not live."""
        on_air = self._on_air.get((hub, stream))
        return None if on_air is None else _info(on_air, total(self.crowds(hub, stream).values()))

    def viewers_by_area(self) -> dict[str, int]:
        """Everybody who watches anything, by area; empty where that is not known."""
        now, counts = self._clock(), Counter[str]()
        for audience in self._audiences.values():
            for kind, viewers in audience.viewers(now).items():
                counts[kind.area] += viewers
        return dict(counts)

    def details(self, hub: str, stream: str) -> LiveDetails | None:
        """What a live stream is made of and who watches it, or None while it is not live."""
        on_air = self._on_air.get((hub, stream))
        return None if on_air is None else self.broadcast(on_air).details

    def media(self, hub: str, stream: str) -> MediaParameters:
        """What a live stream is made of; empty while it is not live."""
        on_air = self._on_air.get((hub, stream))
        return on_air.media if on_air is not None else UNKNOWN

    def broadcast(self, on_air: OnAir) -> Broadcast:
        """Everything that is known of it."""
        crowds = self.crowds(on_air.publisher.hub, on_air.publisher.stream)
        return Broadcast(
            publisher=on_air.publisher,
            info=_info(on_air, total(crowds.values())),
            media=on_air.media,
            audience=list(crowds.items()),
            is_stale=on_air.is_stale,
        )

    def live_names(self, hub: str, prefix: str = "") -> list[str]:
        """Sorted names of the hub's live streams that begin with `prefix`."""
        names = self._names.get(hub, [])
        first = bisect.bisect_left(names, prefix)
        last = bisect.bisect_left(names, prefix + "\U0010ffff") if prefix else len(names)
        return names[first:last]

    def on_cut(self, cutter: Cutter) -> None:
        """Who carries out `cut`: the control server."""
        self._cutter = cutter

    async def cut(self, hub: str, stream: str, reason: str, *, viewers: bool = True) -> None:
        """Disconnect a stream's publisher, and all its viewers if `viewers`, on every worker here."""
        if self._cutter is not None:
            await self._cutter(hub, stream, reason, viewers=viewers)


def _info(on_air: OnAir, crowd: Crowd) -> LiveInfo:
    figures = on_air.figures
    return LiveInfo(
        start_at=int(on_air.publisher.started_at),
        client_addr=on_air.publisher.client_addr,
        server_addr=on_air.publisher.server_addr,
        bps=figures.bps if figures else 0,
        video_bps=figures.video_bps if figures else 0,
        audio_bps=figures.audio_bps if figures else 0,
        audio_fps=figures.audio_fps if figures else 0,
        video_fps=figures.video_fps if figures else 0,
        data_fps=figures.data_fps if figures else 0,
        max_gop_ms=figures.max_gop_ms if figures else 0,
        avg_gop_ms=figures.avg_gop_ms if figures else 0,
        play_count=crowd.viewers,
        bandwidth=crowd.bandwidth,
        location=on_air.publisher.location,
        isp=on_air.publisher.isp,
    )
