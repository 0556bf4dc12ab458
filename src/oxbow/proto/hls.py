"""HLS playlists (RFC 8216) from plain data. Nothing here knows a clock, a file or a URL's host."""

from __future__ import annotations

from dataclasses import dataclass, field

from oxbow.proto.errors import ProtocolError

CONTENT_TYPE = "application/vnd.apple.mpegurl"
SEGMENT_CONTENT_TYPE = "video/mp2t"

VERSION = 3
"""The first version with fractional EXTINF durations; nothing newer is used (RFC 8216, 7)."""


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """One line of a media playlist and the tags above it."""

    uri: str
    duration: float
    """Seconds."""
    discontinuity: bool = False
    """Encoding or time stamps change between the segment before and this one."""
    program_date_time: str | None = None
    """When the first frame was taken, in ISO 8601 with a zone."""


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """A sliding or finished list of segments."""

    target_duration: int
    """Seconds; no segment's rounded duration may exceed it (RFC 8216, 4.3.3.1)."""
    media_sequence: int
    """Number of the first segment listed."""
    discontinuity_sequence: int = 0
    """How many discontinuities have fallen out at the front."""
    segments: tuple[MediaSegment, ...] = ()
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """One rendition in a master playlist."""

    uri: str
    bandwidth: int
    """Peak bits per second of any segment (RFC 8216, 4.3.4.2)."""
    average_bandwidth: int | None = None
    codecs: tuple[str, ...] = field(default=())
    """RFC 6381 strings of every track."""
    resolution: tuple[int, int] | None = None
    """Width and height in pixels."""
    frame_rate: float | None = None


def round_duration(seconds: float) -> int:
    """A segment's duration as it counts against the target duration: to the nearest integer, halves up."""
    return int(seconds + 0.5)


def render_media(playlist: MediaPlaylist, query: str = "") -> str:
    """The text of a media playlist; `query`, without "?", is appended to each segment's URI.

    Raises ProtocolError where a segment is longer than the target duration, since players may stall on that.
    """
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{playlist.target_duration}",
        f"#EXT-X-MEDIA-SEQUENCE:{playlist.media_sequence}",
    ]
    if playlist.discontinuity_sequence:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{playlist.discontinuity_sequence}")
    for segment in playlist.segments:
        if round_duration(segment.duration) > playlist.target_duration:
            raise ProtocolError(
                f"segment of {segment.duration:.3f} s exceeds the target of {playlist.target_duration} s"
            )
        lines += _segment_lines(segment, query)
    if playlist.ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _segment_lines(segment: MediaSegment, query: str) -> list[str]:
    lines = ["#EXT-X-DISCONTINUITY"] if segment.discontinuity else []
    if segment.program_date_time is not None:
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{segment.program_date_time}")
    return [*lines, f"#EXTINF:{segment.duration:.3f},", with_query(segment.uri, query)]


def with_query(uri: str, query: str) -> str:
    """The URI with one more query string; ProtocolError on a query that would break the playlist's lines."""
    if not query:
        return uri
    if not query.isprintable():
        raise ProtocolError("query string holds control characters")
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def render_master(variants: tuple[Variant, ...], query: str = "") -> str:
    """The text of a master playlist; `query` is appended to each variant's URI."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    for variant in variants:
        lines += [f"#EXT-X-STREAM-INF:{_attributes(variant)}", with_query(variant.uri, query)]
    return "\n".join(lines) + "\n"


def _attributes(variant: Variant) -> str:
    attributes = [f"BANDWIDTH={variant.bandwidth}"]
    if variant.average_bandwidth is not None:
        attributes.append(f"AVERAGE-BANDWIDTH={variant.average_bandwidth}")
    if variant.codecs:
        attributes.append(f'CODECS="{",".join(variant.codecs)}"')
    if variant.resolution:
        attributes.append("RESOLUTION={}x{}".format(*variant.resolution))
    if variant.frame_rate:
        attributes.append(f"FRAME-RATE={variant.frame_rate:.3f}")
    return ",".join(attributes)
