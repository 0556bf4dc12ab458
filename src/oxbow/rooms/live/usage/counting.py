"""From the workers' reports to the meters."""

from __future__ import annotations

import time
from collections.abc import Callable

from oxbow.kernel.metering import MeteringService
from oxbow.rooms.live.control.messages import Received, Report, Share


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
        now = self._clock()
        for stream in report.streams:
            account = self._owner(stream.hub)
            if account is None:
                continue
            for share in stream.shares:
                self._add("live.downflow", account, now, share.sent_bytes, stream.hub, share)
            for received in stream.received:
                self._add("live.upflow", account, now, received.received_bytes, stream.hub, received)

    def _owner(self, hub: str) -> int | None:
        account = self._owner_of(hub)
        if account is None:
            return self._owners.get(hub)
        self._owners[hub] = account
        return account

    def _add(
        self, meter: str, account: int, now: float, quantity: int, hub: str, way: Share | Received
    ) -> None:
        if quantity:
            dimensions = {"hub": hub, "domain": way.domain, "area": way.area, "protocol": way.protocol}
            self._metering.add(meter, account, now, quantity, dimensions)
