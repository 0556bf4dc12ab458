"""Policies as they come in: every text of theirs is looked at, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from oxbow.kernel.iam.actions import Catalogue
from oxbow.kernel.iam.errors import BadField
from oxbow.kernel.iam.statements import Effect, Statement, action_fits, is_action_pattern, parse_resource

_EFFECTS = {effect.value.lower(): effect for effect in Effect}


class Written(Protocol):
    """A statement as it came in."""

    @property
    def action(self) -> Sequence[str]: ...
    @property
    def resource(self) -> Sequence[str]: ...
    @property
    def effect(self) -> str: ...


def read_statements(written: Sequence[Written], account: int, catalogue: Catalogue) -> tuple[Statement, ...]:
    """BadField names the statement, the field and the entry that cannot be used."""
    return tuple(_read(written, account, catalogue))


def _read(written: Sequence[Written], account: int, catalogue: Catalogue) -> Iterator[Statement]:
    actions = [action.name for action in catalogue]
    for number, statement in enumerate(written):
        place = f"statement.{number}"
        effect = _EFFECTS.get(statement.effect.lower())
        if effect is None:
            raise BadField(f"{place}.effect", "must be Allow or Deny")
        for index, pattern in enumerate(statement.action):
            check_action(f"{place}.action.{index}", pattern, actions)
        for index, text in enumerate(statement.resource):
            check_resource(f"{place}.resource.{index}", text, account, catalogue)
        yield Statement(effect, tuple(statement.action), tuple(statement.resource))


def check_action(field: str, pattern: str, actions: Sequence[str]) -> None:
    """BadField for a pattern that is malformed, or stands for nothing that exists."""
    if not is_action_pattern(pattern):
        raise BadField(field, "must be <service>/<Action>, <service>/<Beginning>*, <service>/* or *")
    if not any(action_fits(pattern, action) for action in actions):
        raise BadField(field, "no such action; GET /iam/v1/actions lists them")


def check_resource(field: str, text: str, account: int, catalogue: Catalogue) -> None:
    """BadField for a resource that is malformed, or of no service or type that exists."""
    try:
        pattern = parse_resource(text, account)
    except ValueError as error:
        raise BadField(field, str(error)) from None
    if pattern.product and pattern.product not in catalogue.services:
        raise BadField(field, f"no such product; it is one of {', '.join(catalogue.services)}")
    if pattern.type and pattern.type != catalogue.types.get(pattern.product):
        raise BadField(field, f"{pattern.type} is no type of {pattern.product}; it may be left out")
