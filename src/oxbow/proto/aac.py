"""AAC headers: AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) and ADTS (ISO/IEC 13818-7, 6.2)."""

from __future__ import annotations

from dataclasses import dataclass

from oxbow.proto.bits import BitReader
from oxbow.proto.errors import ProtocolError

SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)

ADTS_HEADER_SIZE = 7
MAX_ADTS_FRAME_SIZE = (1 << 13) - 1

AOT_LC = 2
AOT_SBR = 5
AOT_PS = 29

PROFILES = {1: "Main", 2: "LC", 3: "SSR", 4: "LTP", 23: "LD", 39: "ELD", 42: "xHE-AAC"}
"""By audio object type (ISO/IEC 14496-3, table 1.17)."""

_AOT_ESCAPE = 31
_AOT_FRAME_LENGTH_FLAG = frozenset({1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23})
_EXPLICIT_RATE = 15
_SYNC_SBR = 0x2B7
_SYNC_PS = 0x548
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}


@dataclass(frozen=True, slots=True)
class AacConfig:
    """What an AudioSpecificConfig says."""

    object_type: int
    """Of the core coder: 2 is LC."""
    sample_rate: int
    """Hz of the core coder; with SBR the decoder puts out twice as many."""
    channel_configuration: int
    """As coded; 0 means that a program config element names the channels."""
    sbr: bool
    ps: bool
    samples_per_frame: int

    @property
    def channels(self) -> int:
        """Output channels; 0 where a program config element would have to be read."""
        return 2 if self.ps else _CHANNELS.get(self.channel_configuration, 0)

    @property
    def output_rate(self) -> int:
        """Hz that a decoder puts out: with SBR twice as many as the core has, unless that has many itself."""
        return self.sample_rate * 2 if self.sbr and self.sample_rate <= 24_000 else self.sample_rate

    @property
    def profile_name(self) -> str:
        """LC, HE-AAC, HE-AACv2, ...; empty for one that is not known."""
        if self.ps:
            return "HE-AACv2"
        return "HE-AAC" if self.sbr else PROFILES.get(self.object_type, "")

    @property
    def codec(self) -> str:
        """The RFC 6381 codec string: mp4a.40.2 for LC, .5 for HE-AAC, .29 for HE-AAC v2."""
        return f"mp4a.40.{AOT_PS if self.ps else AOT_SBR if self.sbr else self.object_type}"

    @property
    def fits_adts(self) -> bool:
        """Whether ADTS has room for it: four object types, the listed rates, 1024 samples, seven layouts."""
        return (
            1 <= self.object_type <= 4
            and self.sample_rate in SAMPLE_RATES
            and 1 <= self.channel_configuration <= 7
            and self.samples_per_frame == 1024
        )

    def adts_template(self) -> int:
        """The 56 bits of an ADTS header (no CRC, one raw block, VBR) with a frame length of zero."""
        if not self.fits_adts:
            raise ProtocolError(
                f"AAC object type {self.object_type} at {self.sample_rate} Hz does not fit ADTS"
            )
        rate = SAMPLE_RATES.index(self.sample_rate)
        kind = (self.object_type - 1) << 6 | rate << 2 | self.channel_configuration >> 2
        return 0xFFF1 << 40 | kind << 32 | (self.channel_configuration & 3) << 30 | 0x7FF << 2


def adts_header(template: int, size: int) -> bytes:
    """The seven bytes in front of a raw frame of `size` bytes."""
    length = size + ADTS_HEADER_SIZE
    if length > MAX_ADTS_FRAME_SIZE:
        raise ProtocolError(f"AAC frame of {size} bytes does not fit ADTS")
    return (template | length << 13).to_bytes(ADTS_HEADER_SIZE, "big")


def parse_config(data: bytes) -> AacConfig:
    """Read an AudioSpecificConfig; SBR and PS are found in explicit and in backward compatible signalling."""
    bits = BitReader(data)
    object_type, rate, layout = _object_type(bits), _sample_rate(bits), bits.u(4)
    sbr = object_type in (AOT_SBR, AOT_PS)
    ps = object_type == AOT_PS
    if sbr:
        _sample_rate(bits)  # of the output
        object_type = _object_type(bits)
    samples = _samples_per_frame(bits, object_type)
    if not sbr and object_type == AOT_LC and layout:
        sbr, ps = _trailing_extension(bits)
    return AacConfig(object_type, rate, layout, sbr, ps, samples)


def _object_type(bits: BitReader) -> int:
    kind = bits.u(5)
    kind = 32 + bits.u(6) if kind == _AOT_ESCAPE else kind
    if kind == 0:
        raise ProtocolError("AAC configuration has the null object type")
    return kind


def _sample_rate(bits: BitReader) -> int:
    index = bits.u(4)
    rate = bits.u(24) if index == _EXPLICIT_RATE else SAMPLE_RATES[index] if index < len(SAMPLE_RATES) else 0
    if not 0 < rate <= 192_000:
        raise ProtocolError("AAC configuration has no valid sample rate")
    return rate


def _samples_per_frame(bits: BitReader, object_type: int) -> int:
    """Reads the GASpecificConfig up to its extension flag."""
    if object_type not in _AOT_FRAME_LENGTH_FLAG:
        return 1024
    samples = 960 if bits.flag() else 1024
    if bits.flag():
        bits.u(14)  # coreCoderDelay
    bits.u(1)  # extensionFlag
    return samples


def _trailing_extension(bits: BitReader) -> tuple[bool, bool]:
    """SBR and PS as signalled behind an LC configuration, for decoders that may ignore it (1.6.5)."""
    if bits.left < 16 or bits.u(11) != _SYNC_SBR or bits.u(5) != AOT_SBR:
        return False, False
    if not bits.flag():
        return False, False
    _sample_rate(bits)
    return True, bits.left >= 12 and bits.u(11) == _SYNC_PS and bits.flag()
