"""What media workers report, in few words. One table of kinds serves all reports of a test run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oxbow.rooms.live.control.messages import Kind, Received, Report, Share, StreamReport

_KINDS: list[Kind] = []


def _number(kind: Kind) -> int:
    if kind not in _KINDS:
        _KINDS.append(kind)
    return _KINDS.index(kind)


def share_of(kind: Kind, viewers: int, sent: int, sessions: Sequence[str] = ()) -> Share:
    """Viewers of a kind, and bytes that went to them."""
    return Share(_number(kind), viewers, sent, tuple(sessions))


def viewers_of(protocol: str, viewers: int, sent: int = 0, area: str = "") -> Share:
    """Viewers who came without a domain."""
    return share_of(Kind("", protocol, area, ""), viewers, sent)


def players_of_hls(sessions: Sequence[str], sent: int = 0) -> Share:
    """Viewers whose playlists and segments were asked for."""
    return share_of(Kind("", "hls", "", ""), 0, sent, sessions)


def received_from(kind: Kind, size: int) -> Received:
    """Bytes of a publisher."""
    return Received(_number(kind), size)


def report_of(
    *streams: StreamReport, connections: int = 0, refused: Mapping[str, int] | None = None
) -> Report:
    """A second of a worker."""
    return Report(1.0, connections, list(streams), dict(refused or {}), _KINDS.copy())
