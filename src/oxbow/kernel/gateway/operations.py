"""What an operator's machines ask: metrics, liveness and readiness.  They need no signature."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from oxbow.kernel.errors import ApiError
from oxbow.kernel.health import Health
from oxbow.kernel.metrics import CONTENT_TYPE, Metrics

PUBLIC_PATHS = ("/metrics", "/healthz", "/readyz")


def operations_router(metrics: Metrics, health: Health) -> APIRouter:
    """The routes of :data:`PUBLIC_PATHS`."""
    router = APIRouter(tags=["operations"])

    @router.get("/metrics", summary="Prometheus metrics")
    async def read_metrics() -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    @router.get("/healthz", summary="Whether the process is alive")
    async def alive() -> dict[str, str]:
        return {}

    @router.get("/readyz", summary="Whether everything it needs is there")
    async def ready() -> dict[str, list[str]]:
        failing = await health.failing()
        if failing:
            reasons = ", ".join(f"{name} ({reason})" for name, reason in failing.items())
            raise ApiError(503, f"not ready: {reasons}")
        return {"ready": health.names}

    return router
