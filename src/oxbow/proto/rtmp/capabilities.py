"""Enhanced RTMP's part of the answer to ``connect``.

Source: Enhanced RTMP v2, "Enhancing NetConnection connect Command". A client lists its codecs in
``fourCcList`` (v1) or in ``videoFourCcInfoMap`` and ``audioFourCcInfoMap`` (v2), and its other abilities in
the bits of ``capsEx``; the server answers with the same properties.
"""

from typing import Any, Final

VIDEO_FOURCCS: Final = ("avc1", "hvc1", "av01", "vvc1", "vp08", "vp09")
AUDIO_FOURCCS: Final = ("mp4a", "Opus", ".mp3", "fLaC", "ac-3", "ec-3")

_CAN_FORWARD: Final = 0x04
_MULTITRACK, _MOD_EX, _TIMESTAMP_NANO_OFFSET = 0x02, 0x04, 0x08
_CAPS_EX: Final = _MULTITRACK | _MOD_EX | _TIMESTAMP_NANO_OFFSET
_PROPERTIES: Final = ("fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx")


def enhanced_capabilities(client: dict[str, Any]) -> dict[str, object]:
    """What to add to the answer's properties for a client that sent ``client``: nothing to a legacy one.

    Codecs are forwarded, never decoded; of ``capsEx`` all but reconnect requests is passed through.
    """
    if not any(name in client for name in _PROPERTIES):
        return {}
    answer: dict[str, object] = {
        "capsEx": _CAPS_EX,
        "videoFourCcInfoMap": dict.fromkeys(VIDEO_FOURCCS, _CAN_FORWARD),
        "audioFourCcInfoMap": dict.fromkeys(AUDIO_FOURCCS, _CAN_FORWARD),
    }
    if "fourCcList" in client:
        answer["fourCcList"] = _common_codecs(client["fourCcList"])
    return answer


def _common_codecs(asked: object) -> list[str]:
    known = VIDEO_FOURCCS + AUDIO_FOURCCS
    if not isinstance(asked, list) or "*" in asked:
        return list(known)
    return [codec for codec in known if codec in asked]
