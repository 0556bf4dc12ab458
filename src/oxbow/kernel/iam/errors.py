"""What can be wrong with a request about users, groups and policies."""

# ruff: noqa: N818 - a refusal is named by what it says.

from __future__ import annotations

from oxbow.kernel.errors import ApiError
from oxbow.kernel.iam.statements import qrn


class BadField(ApiError):
    """A field that cannot be used; the text names it and says what it takes."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(400, f"{field}: {remedy}")


class NotThere(ApiError):
    """Also for what is another account's."""

    def __init__(self, kind: str, alias: str) -> None:
        super().__init__(404, f"no such {kind}: {alias[:64]}")


class AlreadyThere(ApiError):
    """The alias is taken."""

    def __init__(self, kind: str, alias: str) -> None:
        super().__init__(409, f"the {kind} {alias} already exists")


class NotGranted(ApiError):
    """A user was not granted what the request needs; the text names it."""

    def __init__(self, account: int, action: str, name: str) -> None:
        resource = qrn(action.partition("/")[0], account, name)
        super().__init__(403, f"access denied: {action} on {resource} was not granted", rule="permission")


class Escalation(ApiError):
    """A user hands on more than what it was granted itself."""

    def __init__(self, alias: str, action: str, name: str) -> None:
        text = f"access denied: it would let {alias} do {action} on {name}, which you were not granted"
        super().__init__(403, text, rule="permission")
