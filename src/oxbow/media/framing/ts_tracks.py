"""How each codec goes into MPEG-TS: one track object per sequence header, frames in and PES payloads out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from oxbow.proto import aac, h264, h265, mp3, mpegts, opus
from oxbow.proto.errors import ProtocolError
from oxbow.proto.mpegts import ElementaryStream

MAX_AUDIO_UNIT = 60_000
"""Bytes of one sound frame; a PES packet of sound ends at 65535."""


class UnsupportedTrackError(ProtocolError):
    """MPEG-TS cannot carry this variant of a codec; the text names it."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What a master playlist wants to know of the picture."""

    codec: str
    """RFC 6381."""
    width: int
    height: int
    frame_rate: float | None


class VideoTrack(ABC):
    """A picture track that MPEG-TS can carry."""

    stream: ElementaryStream
    format: VideoFormat

    @abstractmethod
    def access_unit(self, payload: bytes, start: int, *, keyframe: bool) -> bytes:
        """The frame at `payload[start:]` in Annex B form."""


class AvcTrack(VideoTrack):
    """H.264."""

    stream = ElementaryStream(mpegts.VIDEO_PID, mpegts.STREAM_TYPE_H264, mpegts.STREAM_ID_VIDEO)

    def __init__(self, header: bytes) -> None:
        self._config = h264.parse_config(header)
        sps = self._config.parameters
        self.format = VideoFormat(sps.codec, sps.width, sps.height, sps.frame_rate)

    def access_unit(self, payload: bytes, start: int, *, keyframe: bool) -> bytes:
        return h264.access_unit(self._config, payload, keyframe=keyframe, start=start)


class HevcTrack(VideoTrack):
    """H.265."""

    stream = ElementaryStream(
        mpegts.VIDEO_PID, mpegts.STREAM_TYPE_H265, mpegts.STREAM_ID_VIDEO, mpegts.HEVC_DESCRIPTORS
    )

    def __init__(self, header: bytes) -> None:
        self._config = h265.parse_config(header)
        sps = self._config.parameters
        self.format = VideoFormat(self._config.codec, sps.width, sps.height, sps.frame_rate)

    def access_unit(self, payload: bytes, start: int, *, keyframe: bool) -> bytes:
        return h265.access_unit(self._config, payload, keyframe=keyframe, start=start)


class AudioTrack(ABC):
    """A sound track that MPEG-TS can carry."""

    stream: ElementaryStream
    codec: str
    """RFC 6381."""
    sample_rate: int
    """Hz of the samples that `unit` counts."""

    @abstractmethod
    def unit(self, frame: bytes) -> tuple[bytes, int]:
        """The frame as PES payload, and how many samples it lasts."""


class AacTrack(AudioTrack):
    """AAC in ADTS frames."""

    stream = ElementaryStream(mpegts.AUDIO_PID, mpegts.STREAM_TYPE_AAC_ADTS, mpegts.STREAM_ID_AUDIO)

    def __init__(self, header: bytes) -> None:
        config = aac.parse_config(header)
        if not config.fits_adts:
            raise UnsupportedTrackError(f"aac of object type {config.object_type} in an unusual form")
        self.codec = config.codec
        self.sample_rate = config.sample_rate
        self._template = config.adts_template()
        self._samples = config.samples_per_frame

    def unit(self, frame: bytes) -> tuple[bytes, int]:
        return aac.adts_header(self._template, len(frame)) + frame, self._samples


class OpusTrack(AudioTrack):
    """Opus behind its control headers."""

    codec = "opus"
    sample_rate = opus.SAMPLE_RATE

    def __init__(self, header: bytes) -> None:
        head = opus.parse_head(header)
        if head.mapping_family > 1 or head.channels > 8:
            raise UnsupportedTrackError(f"opus of channel mapping family {head.mapping_family}")
        self.stream = ElementaryStream(
            mpegts.AUDIO_PID,
            mpegts.STREAM_TYPE_PRIVATE,
            mpegts.STREAM_ID_PRIVATE,
            mpegts.opus_descriptors(head.channels),
        )

    def unit(self, frame: bytes) -> tuple[bytes, int]:
        return opus.ts_access_unit(frame), opus.samples(frame)


class Mp3Track(AudioTrack):
    """MPEG audio, which has no sequence header: the first frame says it all."""

    codec = "mp4a.40.34"

    def __init__(self, first_frame: bytes) -> None:
        header = mp3.parse_header(first_frame)
        kind = mpegts.STREAM_TYPE_MPEG1_AUDIO if header.mpeg1 else mpegts.STREAM_TYPE_MPEG2_AUDIO
        self.stream = ElementaryStream(mpegts.AUDIO_PID, kind, mpegts.STREAM_ID_AUDIO)
        self.sample_rate = header.sample_rate

    def unit(self, frame: bytes) -> tuple[bytes, int]:
        return frame, mp3.parse_header(frame).samples_per_frame


VIDEO_TRACKS: dict[str, Callable[[bytes], VideoTrack]] = {"avc": AvcTrack, "hevc": HevcTrack}
AUDIO_TRACKS: dict[str, Callable[[bytes], AudioTrack]] = {"aac": AacTrack, "opus": OpusTrack, "mp3": Mp3Track}
"""By the codec names of oxbow.proto.flv; what is not here, MPEG-TS does not carry."""

Track = TypeVar("Track", bound=VideoTrack | AudioTrack)


class TrackSlot(Generic[Track]):
    """The stream's picture or its sound: the track that the last sequence header made, if any."""

    __slots__ = ("_configured", "_kinds", "track", "unsupported")

    def __init__(self, kinds: dict[str, Callable[[bytes], Track]]) -> None:
        self._kinds = kinds
        self._configured: tuple[str, bytes] = ("", b"")
        self.track: Track | None = None
        self.unsupported: str | None = None
        """Names the codec that the publisher sends and MPEG-TS does not carry."""

    @property
    def codec(self) -> str:
        """Of the last sequence header, by its name in oxbow.proto.flv."""
        return self._configured[0]

    def configure(self, codec: str, header: bytes) -> bool:
        """Take a sequence header; says whether the track changed. Damage raises and changes nothing."""
        if (codec, header) == self._configured:
            return False
        before, track, unsupported = self.track, None, None
        try:
            track = self._make(codec, header)
        except UnsupportedTrackError as error:
            unsupported = str(error)
        self._configured, self.track, self.unsupported = (codec, header), track, unsupported
        return before is not None or track is not None

    def _make(self, codec: str, header: bytes) -> Track:
        if codec not in self._kinds:
            raise UnsupportedTrackError(codec)
        return self._kinds[codec](header)

    def accept(self, codec: str) -> Track | None:
        """The track for a frame of `codec`; None leaves the frame out."""
        if codec == self.codec:
            return self.track
        if codec not in self._kinds:
            self.unsupported = codec  # old codecs have no sequence header that could have said so
        return None


AnySlot = TrackSlot[VideoTrack] | TrackSlot[AudioTrack]
