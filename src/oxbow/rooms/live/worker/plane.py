"""What a media worker's sessions share: configuration, the streams, and the way to control."""

from collections import Counter
from dataclasses import dataclass, field

from oxbow.kernel.geoip import GeoFinder
from oxbow.media.framing.hls import HlsOptions
from oxbow.media.log import Retention
from oxbow.media.registry import Registry
from oxbow.media.stream import StreamOptions
from oxbow.rooms.live.control.link import ControlLink
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.snapshot import ConfigSnapshot
from oxbow.rooms.live.worker.publishing import Publishing
from oxbow.rooms.live.worker.refusals import Refusals
from oxbow.rooms.live.worker.shelf import HlsShelf
from oxbow.rooms.live.worker.watching import Watching


@dataclass(slots=True)
class Plane:
    """One per worker; everything runs in the worker's one event loop."""

    settings: LiveSettings
    registry: Registry
    link: ControlLink
    publishing: Publishing
    watching: Watching
    shelf: HlsShelf
    geo: GeoFinder = field(default_factory=lambda: GeoFinder(None, None))
    config: ConfigSnapshot = field(default_factory=ConfigSnapshot)
    refused: Counter[str] = field(default_factory=Counter)
    """Refused publishers and viewers by reason, since last reported."""
    refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.refused)

    def stream_options(self, grace_seconds: float) -> StreamOptions:
        """How a stream's log is kept, by the settings and the hub's grace time."""
        return StreamOptions(
            retention=Retention(seconds=self.settings.log_seconds, max_bytes=self.settings.log_bytes),
            grace_seconds=grace_seconds,
            hls=HlsOptions(
                target_seconds=self.settings.hls_target_seconds,
                window_segments=self.settings.hls_window_segments,
            ),
        )
