"""A certificate as it is kept. Times are Unix seconds."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from oxbow.rooms.live.certificates.parse import Facts, covers
from oxbow.rooms.live.certificates.served import Certificate

DAY = 86_400
ID = re.compile(r"[0-9a-f]{24}")


class Source(StrEnum):
    """Where a certificate came from, and so who renews it."""

    UPLOAD = "upload"
    ACME = "acme"


class State(StrEnum):
    """How much life a certificate has left."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"


@dataclass(frozen=True)
class StoredCertificate:
    """A certificate of an account; any of its domains that the names cover may use it."""

    id: str
    """24 hexadecimal digits: what the API calls `certID`, and a domain's `certName`."""
    account: int
    name: str
    """What its owner calls it."""
    common_name: str
    dns_names: tuple[str, ...]
    not_before: int
    not_after: int
    issuer: str
    fingerprint: str
    chain_pem: str = field(repr=False)
    key_pem: str = field(repr=False)
    created_at: int
    source: Source = Source.UPLOAD

    @classmethod
    def of(cls, account: int, name: str, facts: Facts, now: int, source: Source) -> StoredCertificate:
        """A new one, with an id of its own."""
        return cls(
            id=f"{now:08x}{secrets.token_hex(8)}",
            account=account,
            name=name,
            created_at=now,
            source=source,
            **vars(facts),
        )

    def covers(self, domain: str) -> bool:
        """Whether the domain may show it."""
        return covers(self.dns_names, domain)

    def days_left(self, now: float) -> int:
        """Whole days until it expires; negative once it has."""
        return int((self.not_after - now) // DAY)

    def state(self, now: float, warn_days: int) -> State:
        """`expiring` when fewer than `warn_days` are left."""
        if self.not_after <= now:
            return State.EXPIRED
        return State.EXPIRING if self.days_left(now) < warn_days else State.VALID

    def served(self) -> Certificate:
        """What the workers get."""
        return Certificate(self.chain_pem, self.key_pem, self.fingerprint)
