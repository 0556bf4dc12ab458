"""Frames of one program in, transport packets out. It knows tracks and clocks, and nothing of segments."""

from __future__ import annotations

from oxbow.media.framing.ts_audio import AudioBatch
from oxbow.media.framing.ts_tracks import AudioTrack, VideoTrack
from oxbow.proto import mpegts
from oxbow.proto.mpegts import Packetizer

TICKS_PER_MS = 90

BASE_TICKS = 126_000
"""Added to every time stamp, so that a stream that begins at zero has no clock before zero."""

PCR_LEAD = 63_000
"""The program clock runs this far behind the decoding times: room for sound that waits for its batch."""


class VideoClock:
    """Turns milliseconds and composition offsets into legal stamps: PTS not before DTS, and DTS rising.

    Some encoders write negative composition offsets. All decoding times then move forward by the largest of
    them; presentation, and with it lip sync, stays where it was.
    """

    __slots__ = ("_last", "_shift")

    def __init__(self) -> None:
        self._shift = 0
        self._last: int | None = None

    def stamps(self, at_ms: int, composition_ms: int) -> tuple[int, int]:
        """PTS and DTS in ticks."""
        self._shift = max(self._shift, -composition_ms * TICKS_PER_MS)
        base = at_ms * TICKS_PER_MS + BASE_TICKS
        dts = base - self._shift
        if self._last is not None:
            dts = max(dts, self._last + 1)
        self._last = dts
        return max(base + composition_ms * TICKS_PER_MS, dts), dts


class TsWriter:
    """Collects the transport packets of a segment; continuity counters go on from one to the next."""

    __slots__ = ("_audio", "_batch", "_clock", "_packetizers", "_parts", "_video", "size")

    def __init__(self, continuity: dict[int, int]) -> None:
        pids = (mpegts.PAT_PID, mpegts.PMT_PID, mpegts.VIDEO_PID, mpegts.AUDIO_PID)
        self._packetizers = {pid: Packetizer(pid, continuity.get(pid, 0)) for pid in pids}
        self._video: VideoTrack | None = None
        self._audio: AudioTrack | None = None
        self._batch: AudioBatch | None = None
        self._clock = VideoClock()
        self._parts: list[bytes] = []
        self.size = 0
        """Bytes collected, without sound that waits for its batch."""

    @property
    def continuity(self) -> dict[int, int]:
        """The next continuity counter of each PID."""
        return {pid: packetizer.counter for pid, packetizer in self._packetizers.items()}

    def reset(self, video: VideoTrack | None, audio: AudioTrack | None) -> None:
        """Throw away what is collected and go on with other tracks or on another time line."""
        self._video, self._audio = video, audio
        self._batch = None if audio is None else AudioBatch(audio.sample_rate)
        self._clock = VideoClock()
        self._parts, self.size = [], 0

    def tables(self) -> None:
        """PAT and PMT, which every segment begins with."""
        self._append(self._packetizers[mpegts.PAT_PID].section(mpegts.program_association()))
        self._append(self._packetizers[mpegts.PMT_PID].section(self._program_map()))

    def add_audio(self, audio: AudioTrack) -> None:
        """Sound joins a picture whose segment has begun without it: its program map is written anew."""
        self._audio, self._batch = audio, AudioBatch(audio.sample_rate)
        # The program map is the second packet. Its place in the count of packets stays.
        again = Packetizer(mpegts.PMT_PID, self._packetizers[mpegts.PMT_PID].counter - 1)
        self._parts[1] = again.section(self._program_map())

    def _program_map(self) -> bytes:
        streams = tuple(track.stream for track in (self._video, self._audio) if track is not None)
        return mpegts.program_map(streams, pcr_pid=streams[0].pid)

    def video(self, access_unit: bytes, at_ms: int, composition_ms: int, *, keyframe: bool) -> None:
        """One picture in Annex B form, decoded at `at_ms`."""
        pts, dts = self._clock.stamps(at_ms, composition_ms)
        header = mpegts.pes_header(mpegts.STREAM_ID_VIDEO, len(access_unit), pts, None if pts == dts else dts)
        packetizer = self._packetizers[mpegts.VIDEO_PID]
        self._append(packetizer.pes(header + access_unit, pcr=dts - PCR_LEAD, random_access=keyframe))

    def audio(self, unit: bytes, samples: int, at_ms: int) -> None:
        """One sound frame; it is written with its batch."""
        if self._batch is not None:
            for pts, payload in self._batch.add(at_ms * TICKS_PER_MS + BASE_TICKS, unit, samples):
                self._append_audio(pts, payload)

    def take(self) -> bytes:
        """All that was collected since the last take."""
        for pts, payload in self._batch.flush() if self._batch is not None else ():
            self._append_audio(pts, payload)
        data = b"".join(self._parts)
        self._parts, self.size = [], 0
        return data

    def _append_audio(self, pts: int, payload: bytes) -> None:
        if self._audio is None:
            return
        pes = mpegts.pes_header(self._audio.stream.stream_id, len(payload), pts) + payload
        packetizer = self._packetizers[mpegts.AUDIO_PID]
        if self._video is None:
            self._append(packetizer.pes(pes, pcr=pts - PCR_LEAD, random_access=True))
        else:
            self._append(packetizer.pes(pes))

    def _append(self, packets: bytes) -> None:
        self._parts.append(packets)
        self.size += len(packets)
