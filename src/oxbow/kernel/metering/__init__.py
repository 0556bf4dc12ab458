"""Metering: who used how much of what, counted once, by five minutes, hour, day and month.

A room declares its meters, calls :meth:`MeteringService.add` for figures that flow (bytes of the last second)
and :meth:`MeteringService.record` for what happened once and has an id (a finished job).
"""

from oxbow.kernel.metering.calendar import Calendar, Step
from oxbow.kernel.metering.metrics import MeteringMetrics
from oxbow.kernel.metering.models import Condition, Meter, Question, Usage
from oxbow.kernel.metering.reader import Figures, UsageReader
from oxbow.kernel.metering.routes import metering_router
from oxbow.kernel.metering.service import MeteringService
from oxbow.kernel.metering.store import UsageStore
from oxbow.kernel.settings.metering import MeteringSettings

__all__ = [
    "Calendar",
    "Condition",
    "Figures",
    "Meter",
    "MeteringMetrics",
    "MeteringService",
    "MeteringSettings",
    "Question",
    "Step",
    "Usage",
    "UsageReader",
    "UsageStore",
    "metering_router",
]
