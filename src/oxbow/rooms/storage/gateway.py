"""What the object port answers: uploads and downloads, told apart by method and path."""

from __future__ import annotations

from oxbow.kernel.errors import ApiError
from oxbow.kernel.httpd import Request, Response
from oxbow.rooms.storage.download.download import Downloads, NotFound
from oxbow.rooms.storage.places import Places
from oxbow.rooms.storage.upload.receive import has_token
from oxbow.rooms.storage.upload.uploads import Uploads

_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*, Authorization, Content-Type, Content-MD5",
    "Access-Control-Max-Age": "86400",
}


class ObjectGateway:
    """The handler of the object port."""

    def __init__(self, places: Places, downloads: Downloads, uploads: Uploads) -> None:
        self._places = places
        self._downloads = downloads
        self._uploads = uploads

    async def __call__(self, request: Request) -> Response:
        match request.method:
            case "OPTIONS":
                return Response(204, dict(_PREFLIGHT))
            case "GET" if has_token(request):
                return await self._upload(request)
            case "GET" | "HEAD":
                return await self._download(request)
            case "POST" | "PUT" | "DELETE":
                return await self._upload(request)
        raise ApiError(405, "method not allowed", headers={"Allow": "GET, HEAD, POST, PUT, DELETE, OPTIONS"})

    async def _download(self, request: Request) -> Response:
        place = await self._places.find(request.header("host"), request.raw_path)
        if place is None:
            raise NotFound
        return await self._downloads.answer(request, *place)

    async def _upload(self, request: Request) -> Response:
        # Browsers upload from pages of any origin, and read why they may not: what counts is the token.
        try:
            answer = await self._uploads.answer(request)
        except ApiError as refusal:
            refusal.headers["Access-Control-Allow-Origin"] = "*"
            raise
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer
