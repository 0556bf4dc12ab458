"""What the object port answers: uploads and downloads, told apart by method and path."""

from __future__ import annotations

from oxbow.kernel.errors import ApiError
from oxbow.kernel.httpd import Request, Response
from oxbow.rooms.storage.download.download import Downloads, NotFound
from oxbow.rooms.storage.places import Places
from oxbow.rooms.storage.upload.form import FormUploads

_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*, Authorization, Content-Type, Content-MD5",
    "Access-Control-Max-Age": "86400",
}


class ObjectGateway:
    """The handler of the object port."""

    def __init__(self, places: Places, downloads: Downloads, form: FormUploads) -> None:
        self._places = places
        self._downloads = downloads
        self._form = form

    async def __call__(self, request: Request) -> Response:
        match request.method:
            case "OPTIONS":
                return Response(204, dict(_PREFLIGHT))
            case "GET" | "HEAD":
                return await self._download(request)
            case "POST":
                return await self._upload(request)
        raise ApiError(405, "method not allowed", headers={"Allow": "GET, HEAD, POST, OPTIONS"})

    async def _download(self, request: Request) -> Response:
        place = await self._places.find(request.header("host"), request.raw_path)
        if place is None:
            raise NotFound
        return await self._downloads.answer(request, *place)

    async def _upload(self, request: Request) -> Response:
        if request.raw_path != b"/":
            raise ApiError(404, "no such endpoint")
        # Browsers upload from pages of any origin: what counts is the token.
        answer = await self._form(request)
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer
