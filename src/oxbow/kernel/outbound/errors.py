"""Why an outgoing request was not made, or came to nothing."""

from __future__ import annotations

ALLOW_SETTING = "OXBOW_OUTBOUND_ALLOW"


class OutboundError(Exception):
    """No usable answer. `reason` is a stable id, the text is for whoever configured the URL."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OutboundRefused(OutboundError):  # noqa: N818 - named by what it says
    """A rule forbids the request: nothing was sent to that address.

    :param address: the IP address that the rule is about, for the operator's log; it is not part of the text,
        which the owner of a callback reads, who has no business to learn what names mean in our network.
    """

    def __init__(self, reason: str, message: str, address: str = "") -> None:
        super().__init__(reason, message)
        self.address = address


class OutboundFailed(OutboundError):  # noqa: N818 - named by what it says
    """The request was tried: `name`, `connect`, `tls`, `timeout`, `protocol`, `too_large` or `redirects`."""
