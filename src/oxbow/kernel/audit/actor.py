"""Who acts at the moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where; empty texts for what does not apply."""

    name: str
    """``<account>`` for an account's own key, ``<account>/<user>`` for a user's, ``system:<what>`` for us."""
    account: int | None = None
    """The account on whose behalf it happens; None for the system."""
    user: int | None = None
    """The id of the user, None for the account itself."""
    access_key: str = ""
    client: str = ""
    """The address the request came from."""
    request_id: str = ""
    user_agent: str = ""
    action: str = ""
    """What was asked for, ``<service>/<Action>``."""


_actor: ContextVar[Actor] = ContextVar("oxbow_actor", default=Actor("system:oxbow"))  # noqa: B039 - frozen


def current_actor() -> Actor:
    """Who acts in this context; the system unless somebody else was named."""
    return _actor.get()


@contextmanager
def acting_as(actor: Actor | str) -> Iterator[None]:
    """Name who acts inside the block; a text such as ``stream_expiry`` stands for that part of the system."""
    token = _actor.set(Actor(f"system:{actor}") if isinstance(actor, str) else actor)
    try:
        yield
    finally:
        _actor.reset(token)


def acting_as_action(action: str) -> None:
    """Say what the actor of this context was found to ask for; it ends with the actor's own block."""
    _actor.set(replace(_actor.get(), action=action))
