"""The live room's refusals; texts are those that official clients compare."""

# ruff: noqa: N818 - a refusal is named by what it says.

from __future__ import annotations

from oxbow.kernel.errors import ApiError


class BadArgument(ApiError):
    """A request field that cannot be used; the text names it and says what it takes."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(400, f"{field}: {remedy}")
        self.field = field


class HubNotFound(ApiError):
    """Also for a hub of another account: whether it exists is that account's business."""

    def __init__(self) -> None:
        super().__init__(612, "hub not found")


class HubExists(ApiError):
    def __init__(self) -> None:
        super().__init__(614, "hub already exists")


class HubLive(ApiError):
    def __init__(self, count: int) -> None:
        super().__init__(409, f"{count} streams of the hub are live; end or disable them first")


class TooMany(ApiError):
    """A limit on how much an account or a hub may hold, as the operator set it."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(403, f"too many {what}: the limit is {limit}")


class StreamNotFound(ApiError):
    def __init__(self) -> None:
        super().__init__(612, "not found")


class StreamExists(ApiError):
    def __init__(self) -> None:
        super().__init__(614, "stream already exists")


class LiveNotFound(ApiError):
    """Live info of a stream that does not exist; the page of that call documents 404."""

    def __init__(self) -> None:
        super().__init__(404, "not found")


class NoSuchDomain(ApiError):
    def __init__(self) -> None:
        super().__init__(612, "no such domain")


class DomainNotFound(ApiError):
    """Unbinding what is not bound, be it for the hub or the domain."""

    def __init__(self) -> None:
        super().__init__(612, "not found")


class DomainConflict(ApiError):
    """The domain is bound already, here or elsewhere. Clients compare the text, misspelling included."""

    def __init__(self) -> None:
        super().__init__(614, "domain confict")


class InvalidDomain(ApiError):
    def __init__(self) -> None:
        super().__init__(400, "invalid domain")
