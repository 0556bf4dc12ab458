"""What every refusal of a publisher or viewer is made of, and the setting that stands behind it."""

from __future__ import annotations

MAX_ADDRESS = 4096
"""Characters of a whole address with its query; longer ones are refused unread."""

RULES = {
    "domain_": "domain",
    "ip_": "ipLimit",
    "area_": "areaLimit",
    "referer_": "refererLimit",
    "sign_": "playSecurity",
    "address_expired": "playSecurity",
    "address_not_yet_valid": "playSecurity",
    "session_": "playSecurity",
    "rewrite_": "urlRewrite",
    "origin_": "originAuth",
    "connect_": "connectCallback",
    "stream_disabled": "disabled",
    "stream_not_found": "autoCreate",
    "stream_deleted": "stream",
    "already_publishing": "secondPublisher",
    "taken_over": "secondPublisher",
    "too_many_publishers": "publishersPerHub",
    "bit_rate_": "publishMaxKbps",
    "key_": "publishSecurity",
    "token_": "publishSecurity",
    "nonce_": "publishSecurity",
    "no_publish_key": "publishSecurity",
    "hub_not_found": "hub",
    "not_live": "live",
    "no_segment": "live",
    "unavailable": "server",
    "control_away": "server",
    "no_room": "server",
    "protocol_error": "protocol",
}
"""The setting behind a refusal, by how its reason begins; the address itself stands behind all others."""


def rule_of(reason: str) -> str:
    """The setting that refuses for this reason."""
    return next((rule for start, rule in RULES.items() if reason.startswith(start)), "address")


class Refused(Exception):  # noqa: N818 - a decision, not a failure.
    """Somebody is not let in.

    :param reason: a stable id.
    :param description: shown to whoever tried; it holds no secret.
    :param found: what the rule saw, and `wanted`: what it would have let in; for the record.
    """

    def __init__(self, reason: str, description: str, *, found: str = "", wanted: str = "") -> None:
        super().__init__(description)
        self.reason = reason
        self.description = description
        self.found = found
        self.wanted = wanted

    @property
    def rule(self) -> str:
        """The setting that refuses."""
        return rule_of(self.reason)


class AddressError(Refused):
    """An address that names no hub and stream."""
