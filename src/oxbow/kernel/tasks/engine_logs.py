"""What DBOS has to say, in our log: its warnings, and of each kind of warning one a minute."""

from __future__ import annotations

import logging
import time

LEVEL = "WARNING"
QUIET_SECONDS = 60.0
# A server that stops tells its executions to end; they are recovered, so nothing is wrong.
_EXPECTED = "Asyncio task cancelled"


class OnceAMinute(logging.Filter):
    """While the database is away each of DBOS' threads says so at every try; one line a minute is enough."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith(_EXPECTED):
            return False
        place, now = (record.pathname, record.lineno), time.monotonic()
        if now - self._last.get(place, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._last[place] = now
        # The statement and its parameters follow in further lines.
        record.msg, record.args = f"task engine: {record.getMessage().splitlines()[0]}", ()
        return True


def route() -> None:
    """Send the lines to the root logger, which `logs.setup` has given our format.

    DBOS adds a handler of its own, and stops its lines from going further, unless there is a handler already.
    """
    logger = logging.getLogger("dbos")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
        logger.addFilter(OnceAMinute())
    logger.propagate = True
