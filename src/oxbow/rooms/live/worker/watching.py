"""Who watches what in this worker: one audience per stream and format, each a cohort on a log."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from oxbow.media.fanout import Cohort, FanoutLimits, Totals, WritableEvents
from oxbow.media.formats import FORMATS, RTMP, Format
from oxbow.media.log import LogReader
from oxbow.media.page import State
from oxbow.media.registry import Registry
from oxbow.media.shares import Tally
from oxbow.media.stream import DEMAND_NS
from oxbow.media.viewer import Viewer
from oxbow.rooms.live.ways import Way


@dataclass(slots=True)
class _Audience:
    """The viewers of one stream in one format."""

    hub: str
    stream: str
    format: Format
    source: LogReader | None = None
    """The stream's own log: its state is the stream's, and demand for the framing is registered there."""
    cohort: Cohort | None = None
    waiting: dict[Viewer, float] = field(default_factory=dict)
    """Viewers for whom the stream is not there yet, and until when they wait."""

    def is_deserted(self) -> bool:
        return not self.waiting and (self.cohort is None or not len(self.cohort))

    def close(self) -> None:
        if self.cohort is not None:
            self.cohort.log.close()
            self.cohort = None
        if self.source is not None:
            self.source.close()
            self.source = None


@dataclass(slots=True)
class AudienceFigures:
    """What happened to one stream's viewers since last asked."""

    tallies: list[tuple[str, list[Tally]]] = field(default_factory=list)
    """By protocol, each way's. A protocol comes twice if its audience was closed in between."""
    skipped_bytes: int = 0
    dropped: int = 0


class Watching:
    """All audiences of a worker."""

    def __init__(
        self,
        registry: Registry,
        limits: FanoutLimits,
        events: WritableEvents | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._limits = limits
        self._events = events
        self._clock = clock
        self._audiences: dict[tuple[str, str, str], _Audience] = {}
        self._of: dict[Viewer, _Audience] = {}
        self._unreported: dict[tuple[str, str], AudienceFigures] = {}

    def watch(self, hub: str, stream: str, format_: Format, viewer: Viewer, patience: float) -> None:
        """Let a viewer in now, or as soon as the stream is there; after `patience` seconds it is
        `not_live`."""
        audience = self._audiences.get((hub, stream, format_.name))
        if audience is None:
            audience = self._audiences[hub, stream, format_.name] = _Audience(hub, stream, format_)
        self._of[viewer] = audience
        audience.waiting[viewer] = self._clock() + patience
        self._open(audience)
        self._admit(audience)

    def leave(self, viewer: Viewer) -> None:
        """A viewer's connection is closed."""
        audience = self._of.pop(viewer, None)
        if audience is not None:
            audience.waiting.pop(viewer, None)
            if audience.cohort is not None:
                audience.cohort.leave(viewer)

    def say(self, viewer: Viewer, data: bytes) -> bool:
        """Send a viewer bytes of its own between the stream's; False if it doesn't watch yet."""
        audience = self._of.get(viewer)
        if audience is None or audience.cohort is None or viewer in audience.waiting:
            return False
        audience.cohort.say(viewer, data)
        return True

    def cut(self, hub: str, stream: str, reason: str) -> None:
        """Show all viewers of a stream out."""
        for format_ in FORMATS:
            audience = self._audiences.get((hub, stream, format_.name))
            if audience is not None:
                self._dismiss(audience, reason)

    def cut_off(self, domains: Collection[str], reason: str) -> None:
        """Show everybody out who came by one of the domains, whatever they watch."""
        for viewer in list(self._of):
            if isinstance(viewer.kind, Way) and viewer.kind.domain in domains:
                self._gone(viewer, reason)

    def streams(self) -> set[tuple[str, str]]:
        """(hub, stream) of all that somebody watches or waits for here."""
        return {(hub, stream) for hub, stream, _ in self._audiences}

    def serve(self) -> None:
        """Once per tick: everything that was appended goes out."""
        for audience in list(self._audiences.values()):
            if audience.waiting:
                self._open(audience)
                self._admit(audience)
            if audience.cohort is not None:
                audience.cohort.push()
                if audience.source is not None and audience.source.page.state == State.ENDED:
                    audience.cohort.finish()

    def second(self) -> None:
        """About once a second: keep the wanted framings alive, give up waiting, forget who has gone."""
        now = self._clock()
        for key, audience in list(self._audiences.items()):
            for viewer in [viewer for viewer, deadline in audience.waiting.items() if deadline < now]:
                self._gone(viewer, "not_live")
            if audience.is_deserted():
                self._close(audience)
                del self._audiences[key]
            else:
                self._demand(audience)

    def figures(self) -> dict[tuple[str, str], AudienceFigures]:
        """Each stream's viewers, and what was sent to them since the last call."""
        for audience in self._audiences.values():
            if audience.cohort is not None:
                self._account(audience, audience.cohort)
        figures, self._unreported = self._unreported, {}
        return figures

    def _account(self, audience: _Audience, cohort: Cohort) -> None:
        key = (audience.hub, audience.stream)
        of = self._unreported.get(key)
        if of is None:
            of = self._unreported[key] = AudienceFigures()
        if tallies := cohort.shares.take():
            of.tallies.append((audience.format.name, tallies))
        missed = cohort.totals
        if missed.skipped_bytes or missed.dropped:
            of.skipped_bytes += missed.skipped_bytes
            of.dropped += missed.dropped
            cohort.totals = Totals()

    def _close(self, audience: _Audience) -> None:
        """Nobody watches the stream any more; what its viewers got is reported all the same."""
        if audience.cohort is not None:
            self._account(audience, audience.cohort)
        audience.close()

    def _open(self, audience: _Audience) -> None:
        """Open the stream's logs once they are there."""
        if audience.source is None:
            audience.source = self._registry.reader(audience.hub, audience.stream)
            if audience.source is None:
                return
            self._demand(audience)
        if audience.cohort is None:
            log = self._registry.reader(audience.hub, audience.stream, audience.format.log)
            if log is not None:
                audience.cohort = Cohort(log, audience.format, self._limits, self._events)

    def _demand(self, audience: _Audience) -> None:
        if audience.source is not None:
            until = time.monotonic_ns() + DEMAND_NS
            audience.source.page.demand = until
            if audience.format is RTMP:
                audience.source.page.demand_rtmp = until

    def _admit(self, audience: _Audience) -> None:
        cohort, source = audience.cohort, audience.source
        if source is None:
            return
        if source.page.state == State.ENDED:
            if cohort is None or not len(cohort):
                self._close(audience)  # its successor, if there is one, is another directory
            return
        if cohort is None:
            return
        if cohort.log.page.state != State.LIVE and audience.format is RTMP:
            return  # left from an earlier run of the framing: the writer has seen our demand by the next tick
        for viewer in list(audience.waiting):
            if cohort.log.page.last_key() is None:
                return
            # Out of the list first: a viewer that vanishes while it is let in must not be let in again.
            audience.waiting.pop(viewer, None)
            cohort.join(viewer)

    def _dismiss(self, audience: _Audience, reason: str) -> None:
        for viewer in list(audience.waiting):
            self._gone(viewer, reason)
        if audience.cohort is not None:
            audience.cohort.dismiss(reason)

    def _gone(self, viewer: Viewer, reason: str) -> None:
        self.leave(viewer)
        viewer.handler.viewer_gone(viewer, reason)
