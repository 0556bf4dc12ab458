"""Refusals about certificates."""

# ruff: noqa: N818 - a refusal is named by what it says.

from __future__ import annotations

from collections.abc import Sequence

from oxbow.kernel.errors import ApiError


class CertificateNotFound(ApiError):
    """Also for a certificate of another account."""

    def __init__(self) -> None:
        super().__init__(404, "no such certificate")


class CertificateInUse(ApiError):
    """Deleting it would take HTTPS away from viewers."""

    def __init__(self, domains: Sequence[str]) -> None:
        names = ", ".join(domains[:5]) + (" and others" if len(domains) > 5 else "")
        super().__init__(409, f"the certificate is in use by {names}: give them another one first")
