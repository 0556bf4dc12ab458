"""Each live stream minute by minute: what its publisher sent, and who watched."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.media.parameters import UNKNOWN, MediaParameters
from oxbow.rooms.live.audience import total
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.control.messages import Figures, Report
from oxbow.rooms.live.usage.models import MINUTE, DomainMinute, MinuteRow, StreamMinute

MAX_PENDING = 20_000
"""Rows that wait for the database; the oldest are thrown away beyond that."""

log = get_logger(__name__)


class MinuteRows(Protocol):
    async def write(self, rows: list[MinuteRow]) -> None:
        """Write all of them or none. Writing a row twice is writing it once."""


@dataclass(slots=True)
class _Running:
    """A stream's sums since the minute began."""

    seconds: int = 0
    """Reports of its publisher."""
    bps: int = 0
    video_bps: int = 0
    audio_bps: int = 0
    video_fps: int = 0
    audio_fps: int = 0
    media: MediaParameters = UNKNOWN
    sent: dict[str, int] = field(default_factory=dict)
    """Bytes by domain."""

    def add(self, figures: Figures) -> None:
        self.seconds += 1
        self.bps += figures.bps
        self.video_bps += figures.video_bps
        self.audio_bps += figures.audio_bps
        self.video_fps += figures.video_fps
        self.audio_fps += figures.audio_fps

    def mean(self, figure: int) -> int:
        return round(figure / self.seconds)


class Minutes:
    """Adds up the workers' reports, and writes all streams' minutes at once when a minute has passed.

    :param type_of: a bound domain's type, empty for one that is not bound.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        store: MinuteRows,
        board: LiveBoard,
        type_of: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._board = board
        self._type_of = type_of
        self._clock = clock
        self._minute = self._now()
        self._running: dict[tuple[str, str], _Running] = {}
        self._pending: list[MinuteRow] = []
        self._failing = False
        self.lost = 0
        """Rows thrown away because too many were waiting."""

    @property
    def pending(self) -> int:
        """Rows that wait to be written."""
        return len(self._pending)

    def take(self, report: Report) -> None:
        """Add a worker's last second."""
        domains = [kind.domain for kind in report.kinds]
        for stream in report.streams:
            key = (stream.hub, stream.stream)
            running = self._running.get(key)
            if running is None:
                running = self._running[key] = _Running(media=self._board.media(*key))
            figures, sent = stream.publisher, running.sent
            if figures is not None:
                running.add(figures)
                if figures.media is not None:
                    running.media = figures.media
            for share in stream.shares:
                if share.sent_bytes:
                    domain = domains[share.kind]
                    sent[domain] = sent.get(domain, 0) + share.sent_bytes

    async def turn(self) -> None:
        """If the minute is over, write it; call this often enough."""
        now = self._now()
        if now != self._minute:
            self._close_minute()
            self._minute = now
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; it goes on waiting if that is not possible."""
        rows = self._pending
        if not rows:
            return
        try:
            await self._store.write(rows)
        except DatabaseUnavailableError as error:
            if not self._failing:
                log.warning("stream_minutes_wait_in_memory", error=str(error))
            self._failing = True
        else:
            self._pending = self._pending[len(rows) :]
            self._failing = False

    def _close_minute(self) -> None:
        running, self._running = self._running, {}
        rows = [
            MinuteRow(self._minute, hub, stream, self._stats(hub, stream, sums))
            for (hub, stream), sums in running.items()
            if sums.seconds  # Viewers may wait for a publisher that is not there.
        ]
        waiting = [*self._pending, *rows]
        self._pending = waiting[-MAX_PENDING:]
        self.lost += len(waiting) - len(self._pending)

    def _stats(self, hub: str, stream: str, sums: _Running) -> StreamMinute:
        crowds, media = self._board.crowds(hub, stream), sums.media
        viewers: Counter[str] = Counter()
        for kind, crowd in crowds.items():
            viewers[kind.domain] += crowd.viewers
        domains = [
            DomainMinute(name, self._type_of(name), viewers[name], sums.sent.get(name, 0) * 8 // MINUTE)
            for name in sorted(viewers.keys() | sums.sent.keys())
        ]
        return StreamMinute(
            bps=sums.mean(sums.bps),
            video_fps=sums.mean(sums.video_fps),
            audio_fps=sums.mean(sums.audio_fps),
            video_bps=sums.mean(sums.video_bps),
            audio_bps=sums.mean(sums.audio_bps),
            width=media.width,
            height=media.height,
            video_codec=media.video_codec,
            video_profile=media.video_profile,
            frame_rate=round(media.frame_rate),
            audio_codec=media.audio_codec,
            channels=media.channels,
            sample_rate=media.sample_rate,
            play_count=total(crowds.values()).viewers,
            bandwidth=sum(sums.sent.values()) * 8 // MINUTE,
            domains=domains,
        )

    def _now(self) -> int:
        return int(self._clock() // MINUTE) * MINUTE
