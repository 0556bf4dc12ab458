"""FLV framing, and what a media payload is without looking further than its first bytes.

The payload of an RTMP audio or video message is the body of an FLV tag, so one classification serves
both. Sources: Adobe Flash Video File Format Specification 10.1, annex E; Enhanced RTMP v2
(https://veovera.org/docs/enhanced/enhanced-rtmp-v2), "Enhanced Audio" and "Enhanced Video"; and the
codec ids 12 (HEVC) and 13 (AV1) that Chinese clouds and encoders used before Enhanced RTMP existed.

:func:`video_kind` and :func:`audio_kind` are called for every frame of every publisher. They look their
answer up in tables by the first one to five bytes, and never copy a payload or raise for its content.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from oxbow.proto.errors import ProtocolError

AUDIO: Final = 8
VIDEO: Final = 9
SCRIPT: Final = 18

TAG_HEADER_SIZE: Final = 11
PREVIOUS_TAG_SIZE: Final = 4
MAX_PAYLOAD_SIZE: Final = 0xFFFFFF

Buffer = bytes | bytearray | memoryview


class FlvError(ProtocolError):
    """The bytes are no sequence of FLV tags."""


def file_header(audio: bool, video: bool) -> bytes:
    """The 13 bytes an FLV stream starts with: file header and the first, empty PreviousTagSize."""
    return b"FLV\x01" + bytes([audio << 2 | video]) + b"\x00\x00\x00\x09\x00\x00\x00\x00"


FILE_HEADER: Final = file_header(audio=True, video=True)

_TAG_HEADER = struct.Struct(">IHBBBH")
_UINT32 = struct.Struct(">I")


def tag_header(tag_type: int, timestamp_ms: int, size: int) -> bytes:
    """The 11 bytes in front of a payload of ``size`` bytes; the timestamp is taken modulo 2**32."""
    return _TAG_HEADER.pack(
        tag_type << 24 | size,
        timestamp_ms >> 8 & 0xFFFF,
        timestamp_ms & 0xFF,
        timestamp_ms >> 24 & 0xFF,
        0,
        0,
    )


def tag(tag_type: int, timestamp_ms: int, payload: Buffer) -> bytes:
    """A whole tag: header, payload and the PreviousTagSize that follows it."""
    size = len(payload)
    return b"".join((tag_header(tag_type, timestamp_ms, size), payload, _UINT32.pack(size + TAG_HEADER_SIZE)))


class Tag(NamedTuple):
    """One FLV tag."""

    type: int
    """AUDIO, VIDEO or SCRIPT."""
    timestamp: int
    """Milliseconds, 0 to 2**32 - 1."""
    payload: bytes | bytearray | memoryview
    """The body; of the same type as the buffer it was read from."""


def iter_tags(buffer: Buffer, start: int = 0) -> tuple[list[Tag], int]:
    """The complete tags in ``buffer`` from ``start`` (past the file header), and the bytes they take.

    Raises FlvError where the bytes cannot be a tag, or a PreviousTagSize contradicts its tag.
    """
    tags = []
    position = start
    last_start = len(buffer) - TAG_HEADER_SIZE - PREVIOUS_TAG_SIZE
    while position <= last_start:
        head, middle, low, high, _, _ = _TAG_HEADER.unpack_from(buffer, position)
        body = position + TAG_HEADER_SIZE
        end = body + (head & MAX_PAYLOAD_SIZE)
        if head >> 24 not in (AUDIO, VIDEO, SCRIPT):
            raise FlvError(f"FLV tag type {head >> 24} is none of 8 (audio), 9 (video), 18 (script)")
        if end + PREVIOUS_TAG_SIZE > len(buffer):
            break
        if _UINT32.unpack_from(buffer, end)[0] != end - position:
            raise FlvError("FLV PreviousTagSize contradicts the tag in front of it")
        tags.append(Tag(head >> 24, high << 24 | middle << 8 | low, buffer[body:end]))
        position = end + PREVIOUS_TAG_SIZE
    return tags, position - start


class VideoKind(NamedTuple):
    """What a video payload is."""

    codec: str
    """avc, hevc, av1, vvc, vp8, vp9, h263, vp6, vp6a, screen, screen2, or unknown."""
    is_keyframe: bool
    """A coded picture that decoding can start from (with the sequence header)."""
    is_sequence_header: bool
    """The decoder configuration record (avcC, hvcC, av1C, vpcC)."""
    is_end_of_sequence: bool
    is_frame: bool
    """Coded pictures, as opposed to configuration, HDR metadata and commands."""
    composition_at: int
    """Where the signed 24-bit composition time offset stands in the payload, or -1: it is zero."""
    data_start: int
    """Where the codec's own bytes begin; may lie past the end of a cut payload."""
    track: int = 0
    """Multitrack: the (first) track's id; 0 is the default track."""
    is_multitrack: bool = False


class AudioKind(NamedTuple):
    """What an audio payload is."""

    codec: str
    """aac, opus, mp3, flac, ac3, eac3, g711a, g711u, speex, pcm, adpcm, nellymoser, or unknown."""
    is_sequence_header: bool
    """The decoder configuration (AudioSpecificConfig, Opus ID header, FLAC STREAMINFO)."""
    is_end_of_sequence: bool
    is_frame: bool
    data_start: int
    """Where the codec's own bytes begin; may lie past the end of a cut payload."""
    track: int = 0
    is_multitrack: bool = False


UNKNOWN_VIDEO: Final = VideoKind("unknown", False, False, False, False, -1, 0)
UNKNOWN_AUDIO: Final = AudioKind("unknown", False, False, False, 0)

_VIDEO_IDS = {2: "h263", 3: "screen", 4: "vp6", 5: "vp6a", 6: "screen2", 7: "avc", 12: "hevc", 13: "av1"}
_CONFIGURED_VIDEO = frozenset({"avc", "hevc", "av1"})
_VIDEO_FOURCCS = {
    b"avc1": "avc",
    b"hvc1": "hevc",
    b"av01": "av1",
    b"vvc1": "vvc",
    b"vp08": "vp8",
    b"vp09": "vp9",
}
_AUDIO_IDS = {
    0: "pcm",
    1: "adpcm",
    2: "mp3",
    3: "pcm",
    4: "nellymoser",
    5: "nellymoser",
    6: "nellymoser",
    7: "g711a",
    8: "g711u",
    10: "aac",
    11: "speex",
    13: "opus",
    14: "mp3",
}
_AUDIO_FOURCCS = {
    b"mp4a": "aac",
    b"Opus": "opus",
    b".mp3": "mp3",
    b"fLaC": "flac",
    b"ac-3": "ac3",
    b"ec-3": "eac3",
}
# Frame types, and packet types of Enhanced RTMP (video, then audio).
_KEY, _COMMAND = 1, 5
_START, _FRAMES, _END, _FRAMES_X, _TS_START, _VIDEO_TRACKS, _MOD_EX = 0, 1, 2, 3, 5, 6, 7
_AUDIO_TRACKS = 5
_WITH_COMPOSITION_TIME = frozenset({"avc", "hevc", "vvc"})


def video_kind(payload: Buffer) -> VideoKind:
    """What the video ``payload`` is; :data:`UNKNOWN_VIDEO` when it is empty or makes no sense."""
    if len(payload) < 2:
        return _legacy_video(bytes(payload))
    first = payload[0]
    if first < 0x80:
        return _LEGACY_VIDEO.get(first << 8 | payload[1]) or _legacy_video(bytes(payload[:2]))
    if first & 0x0F < _VIDEO_TRACKS:
        return _plain_video(bytes(payload[:5]))
    return _wrapped_video(payload)


def audio_kind(payload: Buffer) -> AudioKind:
    """What the audio ``payload`` is; :data:`UNKNOWN_AUDIO` when it is empty or makes no sense."""
    if len(payload) < 2:
        return _legacy_audio(bytes(payload))
    first = payload[0]
    if first >> 4 != 9:
        return _LEGACY_AUDIO.get(first << 8 | payload[1]) or _legacy_audio(bytes(payload[:2]))
    if first & 0x0F < _AUDIO_TRACKS:
        return _plain_audio(bytes(payload[:5]))
    return _wrapped_audio(payload)


def composition_time(payload: Buffer, kind: VideoKind) -> int:
    """Presentation minus decoding time in milliseconds, from a payload that ``kind`` describes."""
    start = kind.composition_at
    if start < 0 or len(payload) < start + 3:
        return 0
    return int.from_bytes(payload[start : start + 3], "big", signed=True)


def _legacy_video(head: bytes) -> VideoKind:
    if not head or head[0] >= 0x80:
        return UNKNOWN_VIDEO
    frame_type, codec = head[0] >> 4, _VIDEO_IDS.get(head[0] & 0x0F, "unknown")
    if codec not in _CONFIGURED_VIDEO or frame_type == _COMMAND:
        is_frame = codec != "unknown" and frame_type != _COMMAND
        return VideoKind(codec, is_frame and frame_type == _KEY, False, False, is_frame, -1, 1)
    packet_type = head[1] if len(head) > 1 else -1
    is_frame = packet_type == _FRAMES
    return VideoKind(
        codec,
        is_keyframe=is_frame and frame_type == _KEY,
        is_sequence_header=packet_type == _START,
        is_end_of_sequence=packet_type == _END,
        is_frame=is_frame,
        composition_at=2,
        data_start=5,
    )


@lru_cache(maxsize=1024)
def _plain_video(head: bytes) -> VideoKind:
    return _enhanced_video(head[0] >> 4 & 7, head[0] & 0x0F, head[1:5], 5)


def _enhanced_video(frame_type: int, packet_type: int, fourcc: bytes, data_start: int) -> VideoKind:
    codec = _VIDEO_FOURCCS.get(fourcc, "unknown")
    if frame_type == _COMMAND:
        return VideoKind(codec, False, False, False, False, -1, data_start)
    is_frame = packet_type in (_FRAMES, _FRAMES_X)
    composed = packet_type == _FRAMES and codec in _WITH_COMPOSITION_TIME
    return VideoKind(
        codec,
        is_keyframe=is_frame and frame_type == _KEY,
        is_sequence_header=packet_type in (_START, _TS_START),
        is_end_of_sequence=packet_type == _END,
        is_frame=is_frame,
        composition_at=data_start if composed else -1,
        data_start=data_start + 3 if composed else data_start,
    )


def _wrapped_video(payload: Buffer) -> VideoKind:
    """Video behind ModEx prefixes, or in a multitrack packet, whose first track speaks for it."""
    packet = _unwrap(payload, _VIDEO_TRACKS)
    if packet is None:
        return UNKNOWN_VIDEO
    kind = _enhanced_video(payload[0] >> 4 & 7, packet.type, packet.fourcc, packet.data_start)
    return kind._replace(track=packet.track, is_multitrack=packet.is_multitrack)


def _legacy_audio(head: bytes) -> AudioKind:
    if not head or head[0] >> 4 == 9:
        return UNKNOWN_AUDIO
    codec = _AUDIO_IDS.get(head[0] >> 4, "unknown")
    if codec != "aac":
        return AudioKind(codec, False, False, codec != "unknown", 1)
    packet_type = head[1] if len(head) > 1 else -1
    return AudioKind(codec, packet_type == _START, False, packet_type == _FRAMES, 2)


@lru_cache(maxsize=1024)
def _plain_audio(head: bytes) -> AudioKind:
    return _enhanced_audio(head[0] & 0x0F, head[1:5], 5)


def _enhanced_audio(packet_type: int, fourcc: bytes, data_start: int) -> AudioKind:
    codec = _AUDIO_FOURCCS.get(fourcc, "unknown")
    return AudioKind(codec, packet_type == _START, packet_type == _END, packet_type == _FRAMES, data_start)


def _wrapped_audio(payload: Buffer) -> AudioKind:
    packet = _unwrap(payload, _AUDIO_TRACKS)
    if packet is None:
        return UNKNOWN_AUDIO
    kind = _enhanced_audio(packet.type, packet.fourcc, packet.data_start)
    return kind._replace(track=packet.track, is_multitrack=packet.is_multitrack)


class _Packet(NamedTuple):
    """An Enhanced RTMP packet without its prefixes."""

    type: int
    fourcc: bytes
    data_start: int
    track: int
    is_multitrack: bool


def _unwrap(payload: Buffer, multitrack: int) -> _Packet | None:
    """Skip ModEx prefixes and read a multitrack header; None when the payload is cut short."""
    try:
        packet_type, position = _skip_mod_ex(payload)
        if packet_type != multitrack:
            return _Packet(packet_type, bytes(payload[position : position + 4]), position + 4, 0, False)
        track_mode, packet_type = payload[position] >> 4, payload[position] & 0x0F
        # The codec comes once for all tracks or, when each track has its own, in front of each track.
        fourcc = bytes(payload[position + 1 : position + 5])
        track = payload[position + 5]
    except IndexError:
        return None
    data_start = position + 6 if track_mode == 0 else position + 9  # A size follows unless it is alone.
    return _Packet(packet_type, fourcc, data_start, track, True)


def _skip_mod_ex(payload: Buffer) -> tuple[int, int]:
    """The packet type behind all ModEx prefixes, and the position that follows it."""
    packet_type, position = payload[0] & 0x0F, 1
    while packet_type == _MOD_EX:
        size = payload[position] + 1
        position += 1
        if size == 256:
            size = (payload[position] << 8 | payload[position + 1]) + 1
            position += 2
        packet_type = payload[position + size] & 0x0F
        position += size + 1
    return packet_type, position


# What nearly every frame of a legacy publisher begins with; the rest is worked out on the spot.
_LEGACY_VIDEO = {
    first << 8 | packet_type: _legacy_video(bytes((first, packet_type)))
    for first in range(0x80)
    for packet_type in (_START, _FRAMES, _END)
}
_LEGACY_AUDIO = {
    first << 8 | packet_type: _legacy_audio(bytes((first, packet_type)))
    for first in range(0xA0, 0xB0)
    for packet_type in (_START, _FRAMES)
}
