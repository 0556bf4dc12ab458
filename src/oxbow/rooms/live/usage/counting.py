"""From the workers' reports to the meters."""

from __future__ import annotations

import time
from collections.abc import Callable

from oxbow.kernel.metering import MeteringService
from oxbow.rooms.live.control.messages import Kind, Report


class Traffic:
    """Counts what publishers sent and viewers were sent for the accounts that own the hubs.

    :param owner_of: the account that owns a hub; None for a hub that is not there.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        metering: MeteringService,
        owner_of: Callable[[str], int | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metering = metering
        self._owner_of = owner_of
        self._clock = clock
        self._owners: dict[str, int] = {}
        """Those that are known: the last bytes of a hub that is deleted still count for its owner."""

    def take(self, report: Report) -> None:
        """Count a report; what it tells belongs to the interval that ends now."""
        sent: dict[str, list[int]] = {}
        received: dict[str, list[int]] = {}
        """Bytes by hub and by the number of their kind: of a thousand streams' shares few sums are left."""
        nothing = [0] * len(report.kinds)
        for stream in report.streams:
            if stream.shares:
                sums = sent.get(stream.hub) or sent.setdefault(stream.hub, nothing.copy())
                for share in stream.shares:
                    sums[share.kind] += share.sent_bytes
            if stream.received:
                sums = received.get(stream.hub) or received.setdefault(stream.hub, nothing.copy())
                for one in stream.received:
                    sums[one.kind] += one.received_bytes
        self._add("live.downflow", sent, report.kinds)
        self._add("live.upflow", received, report.kinds)

    def _owner(self, hub: str) -> int | None:
        account = self._owner_of(hub)
        if account is None:
            return self._owners.get(hub)
        self._owners[hub] = account
        return account

    def _add(self, meter: str, flows: dict[str, list[int]], kinds: list[Kind]) -> None:
        now = self._clock()
        for hub, sums in flows.items():
            account = self._owner(hub)
            if account is None:
                continue
            for kind, quantity in zip(kinds, sums, strict=True):
                if quantity:
                    dimensions = {
                        "hub": hub,
                        "domain": kind.domain,
                        "area": kind.area,
                        "protocol": kind.protocol,
                    }
                    self._metering.add(meter, account, now, quantity, dimensions)
