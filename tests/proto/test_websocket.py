"""The sender's side of WebSocket."""

import pytest
from wsproto.frame_protocol import FrameProtocol, Opcode

from oxbow.proto.websocket import accept_key, binary_header


def test_the_handshakes_answer_is_the_example_of_rfc_6455() -> None:
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])
def test_a_client_reads_one_whole_binary_message(size: int) -> None:
    protocol = FrameProtocol(client=True, extensions=[])
    protocol.receive_bytes(binary_header(size) + b"x" * size)
    frames = list(protocol.received_frames())
    assert {frame.opcode for frame in frames} == {Opcode.BINARY}
    assert b"".join(bytes(frame.payload) for frame in frames) == b"x" * size
    assert frames[-1].message_finished
