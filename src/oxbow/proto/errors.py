"""The one exception family that bad input from a peer raises."""


class ProtocolError(ValueError):
    """A peer sent bytes that its protocol does not allow, or that exceed what we accept.

    The text names the field, what was given and what would have been accepted; it is fit to be logged
    and, where the protocol has a place for it, to be shown to the peer. A core that raised is finished:
    send what it still has to say, then close the connection.
    """
