"""The one base of every error a protocol core raises."""


class ProtocolError(ValueError):
    """The other side sent bytes that break the protocol or its limits."""
