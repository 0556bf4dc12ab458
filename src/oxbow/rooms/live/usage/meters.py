"""The room's meters, and the statistics that are asked of them.

Sources: the pages on statistics below https://developer.qiniu.com/pili, beginning with
https://developer.qiniu.com/pili/api/9863/live-statd-downflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from oxbow.kernel.metering import Meter

AREAS = ("cn", "hk", "tw", "apac", "am", "emea")
_TRAFFIC = ("hub", "domain", "area", "protocol")
_CASTER = ("container", "resolution")

METERS = (
    Meter("live.upflow", "byte", _TRAFFIC, "What publishers sent."),
    Meter("live.downflow", "byte", _TRAFFIC, "What viewers were sent over RTMP, FLV and HLS."),
    Meter("live.downflow_rtc", "byte", _TRAFFIC, "What viewers of low-latency streams were sent."),
    Meter("live.codec", "millisecond", ("hub", "profile"), "How long streams were transcoded."),
    Meter("live.nrop", "picture", ("hub", "assured"), "Pictures of streams that were moderated."),
    Meter("live.caster_upflow", "byte", _CASTER, "What directors' desks were sent."),
    Meter("live.caster_downflow", "byte", _CASTER, "What directors' desks sent."),
    Meter("live.caster_duration", "second", _CASTER, "How long directors' desks ran."),
    Meter("live.pub_count", "task", ("tp",), "How many times streams were relayed."),
    Meter("live.pub_duration", "millisecond", ("tp",), "How long streams were relayed."),
)


@dataclass(frozen=True)
class Statistic:
    """One endpoint below /statd/."""

    name: str
    summary: str
    conditions: tuple[str, ...]
    """The dimensions that `$...` and `group` take."""
    selects: Mapping[str, str]
    """The meter behind each value of `select`."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The only values that some dimensions take."""


_PLACES = ("hub", "domain", "area")
_AREA = {"area": AREAS}

STATISTICS = (
    Statistic("upflow", "Upstream traffic", _PLACES, {"flow": "live.upflow"}, _AREA),
    Statistic("downflow", "Downstream traffic", _PLACES, {"flow": "live.downflow"}, _AREA),
    Statistic("downflow_rtc", "Low-latency downstream", _PLACES, {"flow": "live.downflow_rtc"}, _AREA),
    Statistic("codec", "Transcoding", ("hub", "profile"), {"duration": "live.codec"}),
    Statistic(
        "nrop",
        "Moderation",
        ("hub", "assured"),
        {"count": "live.nrop"},
        {"assured": ("true", "false")},
    ),
    Statistic(
        "caster",
        "Directors' desks",
        ("container", "resolution"),
        {
            "upflow": "live.caster_upflow",
            "downflow": "live.caster_downflow",
            "duration": "live.caster_duration",
        },
        {"resolution": ("480p", "720p", "1080p", "2k", "4k")},
    ),
    Statistic(
        "pub",
        "Relaying",
        ("tp",),
        {"count": "live.pub_count", "duration": "live.pub_duration"},
        {"tp": ("normal",)},
    ),
)
