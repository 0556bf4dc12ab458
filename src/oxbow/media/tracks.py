"""The head of a stream's log, as its publisher makes it."""

from oxbow.media.page import HEAD_LIMIT
from oxbow.media.parameters import MediaParameters, read_parameters
from oxbow.proto import flv

_FRAME_START = 16


class Tracks:
    """The head of the log: what a decoder needs before the first frame, as FLV."""

    def __init__(self, head: bytes) -> None:
        self._current: dict[tuple[int, int], bytes] = {}
        """By message type and track: stream metadata, and the sequence header of each track."""
        self._frames: dict[int, bytes] = {}
        """How the first frame of picture and sound began: all there is to know of codecs without sequence
        headers."""
        self._parameters: MediaParameters | None = None
        self.video = self.audio = False
        self.changed = True
        if len(head) > len(flv.FILE_HEADER):
            for tag in flv.iter_tags(head[len(flv.FILE_HEADER) :])[0]:
                self.replace(tag.type, _track_of(tag), bytes(tag.payload))
        self.changed = not self._current

    def saw_video(self, payload: bytes) -> None:
        """A frame of the picture came."""
        if not self.video:
            self._frames[flv.VIDEO] = payload[:_FRAME_START]
            self.video = self.changed = True
            self._parameters = None

    def saw_audio(self, payload: bytes) -> None:
        """A frame of the sound came."""
        if not self.audio:
            self._frames[flv.AUDIO] = payload[:_FRAME_START]
            self.audio = self.changed = True
            self._parameters = None

    def replace(self, kind: int, track: int, payload: bytes) -> bool:
        """Take a sequence header or stream metadata; False if it says what is known already."""
        if self._current.get((kind, track)) == payload:
            return False
        if sum(map(len, self._current.values())) + len(payload) > HEAD_LIMIT - 1024:
            return False
        self._current[kind, track] = payload
        self.video = self.video or kind == flv.VIDEO
        self.audio = self.audio or kind == flv.AUDIO
        self.changed = True
        self._parameters = None
        return True

    @property
    def parameters(self) -> MediaParameters:
        """Of the first track of each kind; worked out when it is asked for after a change."""
        if self._parameters is None:
            self._parameters = read_parameters(*map(self._first, (flv.SCRIPT, flv.VIDEO, flv.AUDIO)))
        return self._parameters

    def _first(self, kind: int) -> bytes:
        tracks = [track for of, track in self._current if of == kind]
        return self._current[kind, min(tracks)] if tracks else self._frames.get(kind, b"")

    def head(self) -> bytes:
        """File header and tags. The header's flags are true: browsers wait for ever for a track that never
        comes."""
        in_order = sorted(self._current.items(), key=lambda item: (-item[0][0], item[0][1]))
        tags = [flv.tag(kind, 0, payload) for (kind, _), payload in in_order]
        return b"".join([flv.file_header(audio=self.audio, video=self.video), *tags])


def _track_of(tag: flv.Tag) -> int:
    if tag.type == flv.SCRIPT:
        return 0
    return (flv.video_kind if tag.type == flv.VIDEO else flv.audio_kind)(tag.payload).track
