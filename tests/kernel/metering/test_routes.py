"""The API tells what is metered."""

import httpx
import pytest
from fastapi import FastAPI

from kernel.metering.conftest import FLOW, JOBS
from oxbow.kernel.gateway.signature import authenticated
from oxbow.kernel.metering.routes import metering_router


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.include_router(metering_router({meter.name: meter for meter in (JOBS, FLOW)}))
    app.dependency_overrides[authenticated] = lambda: None
    return app


async def test_every_meter_is_told_with_what_it_can_be_divided_by(app: FastAPI):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/v2/meters")
    assert answer.json() == {
        "items": [
            {
                "name": "test.flow",
                "unit": "byte",
                "dimensions": ["hub", "area"],
                "description": "What flows.",
            },
            {"name": "test.jobs", "unit": "job", "dimensions": ["hub"], "description": "What is done."},
        ]
    }
