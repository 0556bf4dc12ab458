"""RTMP as sans-IO cores: handshake, chunk stream, commands, and the two ends of a connection.

Sources: Adobe's Real Time Messaging Protocol specification 1.0 (2012;
https://rtmp.veriskope.com/docs/spec/), named "RTMP" with its section below this package; Enhanced
RTMP v2 (https://veovera.org/docs/enhanced/enhanced-rtmp-v2); and, where neither says it, what
librtmp, FFmpeg, OBS, nginx-rtmp and SRS agree on, which the comments name.

=============  ========================================================================================
handshake      simple and digest handshakes of both ends
message        the message tuple and its type numbers
chunks         bytes to messages (:class:`~.chunks.ChunkReader`)
writer         messages to bytes (:func:`~.writer.encode_message`)
commands       commands, protocol control and script data as values
capabilities   Enhanced RTMP's part of the answer to connect
events         what a server connection tells its caller
server         :class:`~.server.ServerConnection`, on an outbox and a table of message streams
client         :class:`~.client.ClientConnection`
=============  ========================================================================================

A connection is used the same way at both ends: give what the socket read to ``receive()``, act on the
events it returns, and write what ``data_to_send()`` holds. On a :class:`~oxbow.proto.errors.ProtocolError`
write what ``data_to_send()`` still holds, since it may tell the peer why, and close.
"""
