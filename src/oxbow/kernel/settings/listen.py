"""The address a server listens on, as an operator writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_FORM = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.%]+\]|[^\s:\[\]]*):)?(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host and a TCP port to listen on; port 0 lets the system choose.

    Parsed from ``127.0.0.1:7070``, ``[::1]:7070``, ``localhost:7070``, and, for every IPv4 interface,
    ``:7070`` or ``7070``.
    """

    TAKES = "an address such as 127.0.0.1:7070 or [::1]:7070, or for every interface :7070"

    host: str
    port: int

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read one of the written forms (or a bare port number, or an address); ValueError otherwise."""
        if isinstance(value, cls):
            return value
        match = _FORM.fullmatch(str(value).strip())
        if match is None or int(match["port"]) > 65535:
            raise ValueError(f"takes {cls.TAKES}")
        host = (match["host"] or "").strip("[]")
        return cls(host or "0.0.0.0", int(match["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse)
