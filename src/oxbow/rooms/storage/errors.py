"""The storage room's refusals; codes and texts are those that official clients act on."""

# ruff: noqa: N818 - a refusal is named by what it says.

from __future__ import annotations

from oxbow.kernel.errors import ApiError


class BadArgument(ApiError):
    """A request field that cannot be used; the text names it and says what it takes."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(400, f"{field}: {remedy}")
        self.field = field


class BadUploadToken(ApiError):
    """An upload token that is none, is not rightly signed, or has expired; `reason` says which."""

    def __init__(self, reason: str = "bad token") -> None:
        super().__init__(401, reason)


class Forbidden(ApiError):
    """The upload policy, the bucket or a lock does not let this happen."""

    def __init__(self, reason: str) -> None:
        super().__init__(403, reason)


class TooLarge(ApiError):
    def __init__(self, field: str, limit: int) -> None:
        super().__init__(413, f"{field}: takes at most {limit} bytes")


class CallbackFailed(ApiError):
    """The object is kept, but the application's server did not take the callback."""

    def __init__(self, reason: str) -> None:
        super().__init__(579, f"callback failed: {reason}")


class ChecksumMismatch(ApiError):
    """The bytes that came are not those the client meant to send."""

    def __init__(self, field: str, given: str, actual: str) -> None:
        super().__init__(
            406, f"{field}: is {given}, but that of the bytes that came is {actual}; send them again"
        )


class ContentModified(ApiError):
    """The object is not what the request's condition says it is."""

    def __init__(self) -> None:
        super().__init__(608, "file content modified")


class NoSuchFile(ApiError):
    def __init__(self) -> None:
        super().__init__(612, "no such file or directory")


class NoSuchUpload(ApiError):
    """A multipart upload that was never begun, is complete, was given up or has expired."""

    def __init__(self) -> None:
        super().__init__(612, "no such uploadId: begin the upload again")


class FileExists(ApiError):
    def __init__(self) -> None:
        super().__init__(614, "file exists")


class BucketExists(ApiError):
    """Names are unique in the whole cloud, whoever owns them."""

    def __init__(self) -> None:
        super().__init__(614, "the bucket already exists")


class BucketNotEmpty(ApiError):
    def __init__(self) -> None:
        super().__init__(
            409, "the bucket still holds objects, or its trash does: delete and purge them first"
        )


class NoSuchBucket(ApiError):
    """Also for a bucket of another account: whether it exists is that account's business."""

    def __init__(self) -> None:
        super().__init__(631, "no such bucket")


class TooManyBuckets(ApiError):
    def __init__(self, limit: int) -> None:
        super().__init__(630, f"too many buckets: the limit is {limit}")


class BadMarker(ApiError):
    def __init__(self) -> None:
        super().__init__(640, "invalid list marker: it takes the marker of the former page, unchanged")


class BlockExpired(ApiError):
    """A context of a resumable upload that is unknown or too old; clients then start again."""

    def __init__(self) -> None:
        super().__init__(
            701, "invalid context: it has expired or was never given out; upload the blocks again"
        )
