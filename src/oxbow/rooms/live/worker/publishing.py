"""Who publishes in this worker: each publisher's socket is read, and its frames are appended, once per
tick."""

from typing import Protocol

from oxbow.media.stream import StreamWriter
from oxbow.rooms.live.control.link import ControlLink
from oxbow.rooms.live.control.messages import Figures, LivePublisher, PublishEnded


class Publisher(Protocol):
    """A session that publishes."""

    info: LivePublisher
    writer: StreamWriter

    def gather(self) -> None:
        """Read what the publisher has sent, and append it."""

    def cut(self, reason: str) -> None:
        """Disconnect the publisher."""

    def silent_seconds(self) -> float:
        """How long nothing has come from it."""


class Publishing:
    """All publishers of a worker."""

    def __init__(self, link: ControlLink) -> None:
        self._link = link
        self._publishers: dict[tuple[str, str], Publisher] = {}

    def begin(self, publisher: Publisher) -> None:
        """A publisher was let in and has its log."""
        self._publishers[publisher.info.hub, publisher.info.stream] = publisher

    def end(self, info: LivePublisher, reason: str) -> None:
        """A publisher that control let in is gone, whether it got as far as `begin` or not."""
        publisher = self._publishers.get((info.hub, info.stream))
        if publisher is not None and publisher.info.session == info.session:
            del self._publishers[info.hub, info.stream]
            publisher.writer.leave()
        self._link.send(PublishEnded(info.hub, info.stream, info.session, reason))

    def cut(self, hub: str, stream: str, reason: str) -> None:
        """Disconnect a stream's publisher, if it is here."""
        publisher = self._publishers.get((hub, stream))
        if publisher is not None:
            publisher.cut(reason)

    def gather(self) -> None:
        """Once per tick."""
        for publisher in list(self._publishers.values()):
            publisher.gather()

    def second(self) -> None:
        """About once a second."""
        for publisher in list(self._publishers.values()):
            publisher.writer.second()

    def infos(self) -> list[LivePublisher]:
        """Everything that is on air here."""
        return [publisher.info for publisher in self._publishers.values()]

    def figures(self) -> dict[tuple[str, str], Figures]:
        """The figures of each stream that is published here."""
        return {key: _figures(publisher) for key, publisher in self._publishers.items()}


def _figures(publisher: Publisher) -> Figures:
    reading = publisher.writer.probe.reading()
    return Figures(
        session=publisher.info.session,
        bps=reading.bps,
        video_bps=reading.video_bps,
        audio_bps=reading.audio_bps,
        video_fps=reading.video_fps,
        audio_fps=reading.audio_fps,
        data_fps=reading.data_fps,
        max_gop_ms=reading.max_gop_ms,
        avg_gop_ms=reading.avg_gop_ms,
        silent_seconds=publisher.silent_seconds(),
        dropped_bytes=publisher.writer.dropped_bytes,
    )
