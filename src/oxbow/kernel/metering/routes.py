"""What is metered, over HTTP; an extension in the dialect's style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends

from oxbow.kernel.gateway.signature import authenticated
from oxbow.kernel.metering.models import Meter


def metering_router(meters: Mapping[str, Meter]) -> APIRouter:
    """The meters that rooms have declared, so that a console can show the usage of rooms it doesn't know."""
    router = APIRouter(
        prefix="/v2/meters", tags=["metering", "extension"], dependencies=[Depends(authenticated)]
    )

    @router.get("", summary="What is metered, by name")
    async def list_meters() -> dict[str, Any]:
        return {"items": [shown(meters[name]) for name in sorted(meters)]}

    return router


def shown(meter: Meter) -> dict[str, Any]:
    """A meter as the API shows it."""
    return {
        "name": meter.name,
        "unit": meter.unit,
        "dimensions": list(meter.dimensions),
        "description": meter.description,
    }
