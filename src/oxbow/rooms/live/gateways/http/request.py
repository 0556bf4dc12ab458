"""HTTP requests of the media port, read by httptools with bounds."""

from dataclasses import dataclass, field

import httptools

from oxbow.rooms.live.gateways.http.response import MAX_HEAD

MAX_HEADERS = 100


class RequestError(Exception):
    """The bytes are no acceptable request; `status` is the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class Request:
    """One request, without its body: nothing here takes one."""

    method: str = ""
    target: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    """By name in lower case; of a repeated one the last."""
    keep_alive: bool = True
    upgrade: bool = False

    @property
    def path(self) -> str:
        return self.target.partition(b"?")[0].decode("latin-1")

    @property
    def query(self) -> str:
        return self.target.partition(b"?")[2].decode("latin-1")


class RequestReader:
    """Turns a client's bytes into requests."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._complete: list[Request] = []
        self._size = 0
        self._count = 0

    def receive(self, data: bytes) -> list[Request]:
        """The requests that `data` completes. RequestError for what is none, or too large a one."""
        self._size += len(data)
        if self._size > MAX_HEAD:
            raise RequestError(431, f"a request has at most {MAX_HEAD} bytes")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ if isinstance(error.__context__, RequestError) else error from None
        except httptools.HttpParserError as error:
            raise RequestError(400, "this is not an HTTP request") from error
        complete, self._complete = self._complete, []
        if complete:
            self._size = 0
        return complete

    def on_message_begin(self) -> None:
        self._request = Request()
        self._count = 0

    def on_url(self, url: bytes) -> None:
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        if self._count > MAX_HEADERS:
            raise RequestError(431, f"a request has at most {MAX_HEADERS} headers")
        key = name.decode("latin-1").lower()
        if key == "host" and key in self._request.headers:  # RFC 9112 section 3.2
            raise RequestError(400, "a request has one Host header")
        self._request.headers[key] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        request = self._request
        request.method = self._parser.get_method().decode("latin-1")
        request.upgrade = self._parser.should_upgrade()
        # What follows a request to upgrade is in the other protocol and can't be read as requests.
        request.keep_alive = self._parser.should_keep_alive() and not request.upgrade
        if request.target.startswith((b"http://", b"https://")):
            _take_absolute(request)
        self._complete.append(request)


def _take_absolute(request: Request) -> None:
    """The form in which a proxy is asked: its host counts, not the header's (RFC 9112 section 3.2.2)."""
    authority, slash, rest = request.target.partition(b"://")[2].partition(b"/")
    request.headers["host"] = authority.decode("latin-1")
    request.target = slash + rest or b"/"
