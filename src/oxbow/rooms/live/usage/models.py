"""A minute of a stream."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

MINUTE = 60


class DomainMinute(msgspec.Struct, frozen=True, array_like=True):
    """The viewers that came by one domain."""

    domain: str
    """Empty for addresses without a bound domain."""
    type: str
    play_count: int
    """Viewers when the minute ended."""
    bandwidth: int
    """Bits per second, over the whole minute."""


class StreamMinute(msgspec.Struct, frozen=True, array_like=True):
    """One minute of a stream; rates are means over the seconds in which it was published."""

    bps: int
    video_fps: int
    audio_fps: int
    video_bps: int
    audio_bps: int
    width: int
    height: int
    video_codec: str
    video_profile: str
    frame_rate: int
    """As declared, while `video_fps` is counted."""
    audio_codec: str
    channels: int
    sample_rate: int
    play_count: int
    bandwidth: int
    domains: list[DomainMinute]


class MinuteRow(NamedTuple):
    """A stream's minute, named by the moment it began (Unix seconds)."""

    minute: int
    hub: str
    stream: str
    stats: StreamMinute
