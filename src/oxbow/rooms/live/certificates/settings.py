"""Where certificates are ordered: environment OXBOW_ACME_*, or the table [acme]."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from oxbow.kernel.settings import Section


class AcmeSettings(Section, env_prefix="OXBOW_ACME_", toml_table="acme"):
    """A certificate authority that speaks ACME (RFC 8555), and when it is asked."""

    directory: str = Field(
        default="",
        max_length=500,
        pattern=r"\A(https://[!-~]+)?\z",
        description="The authority's directory. Without one certificates are uploaded only.",
        json_schema_extra={"takes": "an https:// address"},
    )
    email: str = Field(default="", max_length=254, description="Where the authority writes to about trouble.")
    agree_terms: bool = Field(
        default=False, description="Whether you agree to the authority's terms of service; it asks for that."
    )
    ca_file: Path | None = Field(
        default=None,
        description="Roots to trust the directory by, in PEM. By default those of the certifi package.",
        json_schema_extra={"takes": "a file's path"},
    )
    renew_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="With fewer days left than this a certificate from the authority is renewed.",
    )

    @model_validator(mode="after")
    def _terms_are_agreed_to(self) -> Self:
        if self.directory and not self.agree_terms:
            raise ValueError(
                "OXBOW_ACME_AGREE_TERMS: takes true before OXBOW_ACME_DIRECTORY may be used; read the terms"
            )
        return self
