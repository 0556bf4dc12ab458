"""Sans-IO protocol cores: bytes (and time, where it matters) go in, events and bytes come out.

Nothing below this package opens a socket, reads a clock or knows an event loop, so every core can be
fed one byte at a time, truncated or mutated by a test. Whatever a peer gets wrong raises a
:class:`oxbow.proto.errors.ProtocolError`, and nothing else.
"""
