"""What a stream's picture and sound are made of, read from its sequence headers.

Names are those that encoders and players show: `H264`, `High`, `4.1`. What a header doesn't tell is taken
from the encoder's stream metadata (size and frame rate of the picture, channels and sample rate of the
sound), and is empty or zero where that is silent, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from oxbow.proto import aac, amf0, av1, flv, h264, h265, mp3, opus
from oxbow.proto.errors import ProtocolError

VIDEO_NAMES: Final = {
    "avc": "H264",
    "hevc": "H265",
    "av1": "AV1",
    "vvc": "H266",
    "vp8": "VP8",
    "vp9": "VP9",
    "h263": "H263",
    "vp6": "VP6",
    "vp6a": "VP6",
    "screen": "Screen",
    "screen2": "Screen",
}
AUDIO_NAMES: Final = {
    "aac": "AAC",
    "opus": "OPUS",
    "mp3": "MP3",
    "flac": "FLAC",
    "ac3": "AC3",
    "eac3": "EAC3",
    "g711a": "G711A",
    "g711u": "G711U",
    "speex": "SPEEX",
    "pcm": "PCM",
    "adpcm": "ADPCM",
    "nellymoser": "NELLYMOSER",
}
"""By the codec names of oxbow.proto.flv."""

MAX_PIXELS = 16384
MAX_FRAME_RATE = 1000.0
MAX_CHANNELS = 64
MAX_SAMPLE_RATE = 768_000


@dataclass(frozen=True, slots=True)
class MediaParameters:
    """A stream's. Zeros and empty strings for what nobody tells."""

    width: int = 0
    """Pixels, cropped."""
    height: int = 0
    frame_rate: float = 0.0
    """Pictures per second as declared, not as counted."""
    video_codec: str = ""
    """See VIDEO_NAMES."""
    video_profile: str = ""
    """Baseline, Main, High, Main 10, ..."""
    video_level: str = ""
    """3.1, 4.0, ..."""
    audio_codec: str = ""
    """See AUDIO_NAMES."""
    audio_profile: str = ""
    """LC, HE-AAC, ..."""
    channels: int = 0
    sample_rate: int = 0
    """Hz of what a decoder puts out."""


UNKNOWN: Final = MediaParameters()
"""Those of a stream that nothing is known of."""


class Picture(NamedTuple):
    """What a sequence header says of the picture."""

    width: int
    height: int
    frame_rate: float | None
    profile: str
    level: str


class Sound(NamedTuple):
    """What a sequence header, or the first frame, says of the sound."""

    channels: int
    sample_rate: int
    profile: str = ""


_NO_PICTURE = Picture(0, 0, None, "", "")
_NO_SOUND = Sound(0, 0)


def read_parameters(metadata: bytes, video: bytes, audio: bytes) -> MediaParameters:
    """Payloads of FLV tags: `onMetaData`, and for picture and sound the sequence header, or a frame of codecs
    that have none; each may be empty. Damage costs what can't be read because of it, and never raises."""
    told = _metadata(metadata)
    video_kind, audio_kind = flv.video_kind(video), flv.audio_kind(audio)
    picture = _picture(video_kind, video) if video else _NO_PICTURE
    sound = _sound(audio_kind, audio) if audio else _NO_SOUND
    return MediaParameters(
        width=picture.width or int(_number(told, "width", MAX_PIXELS)),
        height=picture.height or int(_number(told, "height", MAX_PIXELS)),
        frame_rate=round(_declared_rate(picture.frame_rate) or _number(told, "framerate", MAX_FRAME_RATE), 3),
        video_codec=VIDEO_NAMES.get(video_kind.codec, ""),
        video_profile=picture.profile,
        video_level=picture.level,
        audio_codec=AUDIO_NAMES.get(audio_kind.codec, ""),
        audio_profile=sound.profile,
        channels=sound.channels or int(_number(told, "audiochannels", MAX_CHANNELS)),
        sample_rate=sound.sample_rate or int(_number(told, "audiosamplerate", MAX_SAMPLE_RATE)),
    )


def _declared_rate(rate: float | None) -> float:
    """Encoders of variable rate write nonsense such as 90000 pictures a second."""
    return rate if rate is not None and rate <= MAX_FRAME_RATE else 0.0


def _metadata(payload: bytes) -> dict[str, Any]:
    if not payload:
        return {}
    try:
        values = amf0.decode(payload)
    except ProtocolError:
        return {}
    return values[1] if len(values) > 1 and isinstance(values[1], dict) else {}


def _number(told: dict[str, Any], name: str, most: float) -> float:
    value = told.get(name)
    return float(value) if isinstance(value, int | float) and 0 < value <= most else 0.0


def _picture(kind: flv.VideoKind, payload: bytes) -> Picture:
    read = _PICTURES.get(kind.codec)
    if read is None or not kind.is_sequence_header:
        return _NO_PICTURE
    try:
        return read(payload[kind.data_start :])
    except ProtocolError:
        return _NO_PICTURE


def _sound(kind: flv.AudioKind, payload: bytes) -> Sound:
    try:
        if kind.codec == "mp3":
            header = mp3.parse_header(payload[kind.data_start :])
            return Sound(header.channels, header.sample_rate)
        if read := _SOUNDS.get(kind.codec):
            return read(payload[kind.data_start :]) if kind.is_sequence_header else _NO_SOUND
    except ProtocolError:
        return _NO_SOUND
    return _sound_by_flags(kind.codec, payload[0])


def _sound_by_flags(codec: str, flags: int) -> Sound:
    """What the first byte of a legacy tag says of codecs without headers (FLV specification E.4.2.1)."""
    if codec in ("g711a", "g711u"):
        return Sound(1 + (flags & 1), 8000)
    if codec == "speex":
        return Sound(1, 16_000)
    if codec in ("pcm", "adpcm"):
        return Sound(1 + (flags & 1), 44_100 >> (3 - (flags >> 2 & 3)))
    return _NO_SOUND


def _avc(record: bytes) -> Picture:
    sps = h264.parse_config(record).parameters
    return Picture(sps.width, sps.height, sps.frame_rate, sps.profile_name, sps.level_name)


def _hevc(record: bytes) -> Picture:
    config = h265.parse_config(record)
    sps = config.parameters
    return Picture(sps.width, sps.height, sps.frame_rate, config.profile_name, config.level_name)


def _av1(record: bytes) -> Picture:
    config = av1.parse_config(record)
    header = config.parameters
    if header is None:
        return Picture(0, 0, None, config.profile_name, config.level_name)
    return Picture(header.width, header.height, header.frame_rate, config.profile_name, config.level_name)


def _aac(record: bytes) -> Sound:
    config = aac.parse_config(record)
    return Sound(config.channels, config.output_rate, config.profile_name)


def _opus(record: bytes) -> Sound:
    return Sound(opus.parse_head(record).channels, opus.SAMPLE_RATE)


_PICTURES: Final[dict[str, Callable[[bytes], Picture]]] = {"avc": _avc, "hevc": _hevc, "av1": _av1}
_SOUNDS: Final[dict[str, Callable[[bytes], Sound]]] = {"aac": _aac, "opus": _opus}
