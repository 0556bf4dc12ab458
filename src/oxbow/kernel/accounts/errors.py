"""What can be wrong with a request about key pairs."""

# ruff: noqa: N818 - a refusal is named by what it says.

from __future__ import annotations

from oxbow.kernel.errors import ApiError


class KeyNotFound(ApiError):
    """Also for a key pair of another account."""

    def __init__(self) -> None:
        super().__init__(404, "no such access key")


class LastKey(ApiError):
    """Without an enabled key pair nobody could sign the request that enables one."""

    def __init__(self) -> None:
        super().__init__(
            409, "this is the account's last enabled key pair; create or enable another one first"
        )


class TooManyKeys(ApiError):
    """The number of an account's key pairs is bounded."""

    def __init__(self, limit: int) -> None:
        super().__init__(403, f"an account has at most {limit} key pairs; delete one first")
