"""What an operator asks of the server as a whole."""

from fastapi import APIRouter, Depends

from oxbow import __version__
from oxbow.kernel.gateway import authenticated
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.control.server import ControlServer


def control_router(board: LiveBoard, control: ControlServer) -> APIRouter:
    """The routes; all are extensions to the dialect."""
    router = APIRouter(tags=[EXTENSION], dependencies=[Depends(authenticated)])

    @router.get("/v2/server", summary="The server: version, media workers, what it carries")
    async def get_server() -> dict[str, object]:
        return {
            "version": __version__,
            "workers": [
                {"index": worker.index, "pid": worker.pid, "connections": worker.connections}
                for worker in control.workers
            ],
            "streams": len(board.all()),
            "viewers": board.all_viewers(),
            "sentBytes": control.totals.sent_bytes,
            "skippedBytes": control.totals.skipped_bytes,
            "droppedViewers": control.totals.dropped_viewers,
            "droppedBytes": control.totals.dropped_bytes,
            "refused": dict(control.totals.refused),
        }

    return router
