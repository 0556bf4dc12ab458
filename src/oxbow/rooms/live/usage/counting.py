"""From the workers' reports to the meters."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from oxbow.kernel.metering import MeteringService
from oxbow.rooms.live.control.messages import Report


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
        flows: Counter[tuple[str, str, str, str, str]] = Counter()
        for stream in report.streams:
            hub = stream.hub
            for share in stream.shares:
                flows["live.downflow", hub, share.domain, share.area, share.protocol] += share.sent_bytes
            for one in stream.received:
                flows["live.upflow", hub, one.domain, one.area, one.protocol] += one.received_bytes
        self._add(flows)

    def _owner(self, hub: str) -> int | None:
        account = self._owner_of(hub)
        if account is None:
            return self._owners.get(hub)
        self._owners[hub] = account
        return account

    def _add(self, flows: Counter[tuple[str, str, str, str, str]]) -> None:
        """One sum for each hub and way: of a thousand streams' shares few are left."""
        now = self._clock()
        for (meter, hub, domain, area, protocol), quantity in flows.items():
            account = self._owner(hub)
            if quantity and account is not None:
                dimensions = {"hub": hub, "domain": domain, "area": area, "protocol": protocol}
                self._metering.add(meter, account, now, quantity, dimensions)
