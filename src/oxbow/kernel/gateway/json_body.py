"""JSON bodies as the dialect's servers read them: lenient about their label, strict about their fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.body import body_of
from oxbow.kernel.gateway.error_map import describe


class JsonBody(BaseModel):
    """The base of request bodies: ``publish_key`` in Python is ``publishKey`` on the wire.

    Field names are matched without regard to case (the Go SDK sends ``Type`` where the pages say ``type``),
    and null is the same as leaving a field out, both as Go's JSON decoder has it.  Unknown fields and wrong
    types are refused.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=False, extra="forbid", strict=True, frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _as_go_reads_it(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        aliases = [field.alias or name for name, field in cls.model_fields.items()]
        by_lower = {alias.lower(): alias for alias in aliases}
        return {
            key if key in aliases else by_lower.get(key.lower(), key): value
            for key, value in data.items()
            if value is not None
        }


Body = TypeVar("Body", bound=JsonBody)


def json_body(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """A dependency that parses the body whatever its Content-Type: ``Annotated[M, Depends(json_body(M))]``.

    An empty body counts as ``{}``.  :class:`ApiError` 400 names the field that is wrong.
    """

    async def parse(request: Request) -> Body:
        return parse_json(model, body_of(request.scope))

    return parse


def parse_json(model: type[Body], body: bytes) -> Body:
    """Parse bytes as a model; :class:`ApiError` 400 otherwise."""
    try:
        document = from_json(body.strip() or b"{}", allow_inf_nan=False)
    except ValueError as error:
        raise ApiError(400, f"the request body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ApiError(400, "the request body takes a JSON object")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ApiError(400, describe(error.errors(include_url=False, include_input=False))) from None
