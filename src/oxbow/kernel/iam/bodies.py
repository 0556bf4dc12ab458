"""Request bodies of the IAM endpoints, spelled as its clients spell them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from oxbow.kernel.gateway.json_body import JsonBody
from oxbow.kernel.iam.models import DESCRIPTION_LENGTH, LINKS_LIMIT, PATTERNS_LIMIT, STATEMENTS_LIMIT

Text = Annotated[str, Field(max_length=300)]
Patterns = Annotated[list[Text], Field(min_length=1, max_length=PATTERNS_LIMIT)]
Description = Annotated[str, Field(max_length=DESCRIPTION_LENGTH, pattern=r"^[^\x00]*$")]
Aliases = Annotated[list[Text], Field(max_length=LINKS_LIMIT * 25)]


class IamBody(JsonBody):
    """The base: names on the wire are those of the fields."""

    model_config = ConfigDict(alias_generator=None)


class StatementBody(IamBody):
    """One rule of a policy."""

    action: Patterns
    resource: Patterns
    effect: Text


Statements = Annotated[list[StatementBody], Field(min_length=1, max_length=STATEMENTS_LIMIT)]


class NewUser(IamBody):
    """A user; without a password it has keys only."""

    alias: Text
    password: Text = ""


class ChangedUser(IamBody):
    """What is left out stays as it is."""

    enabled: bool | None = None
    password: Text = ""


class NewGroup(IamBody):
    """A group."""

    alias: Text
    description: Description = ""


class ChangedGroup(IamBody):
    """What is left out stays as it is."""

    alias: Text | None = None
    description: Description | None = None


class NewPolicy(IamBody):
    """A policy."""

    alias: Text
    description: Description = ""
    edit_type: int = Field(default=1, ge=0, le=2)
    statement: Statements


class ChangedPolicy(IamBody):
    """What is left out stays as it is."""

    alias: Text | None = None
    description: Description | None = None
    statement: Statements | None = None


class UserAliases(IamBody):
    """Users by their aliases."""

    user_aliases: Aliases = Field(default_factory=list)


class GroupAliases(IamBody):
    """Groups by their aliases."""

    group_aliases: Aliases = Field(default_factory=list)


class PolicyAliases(IamBody):
    """Policies by their aliases."""

    policy_aliases: Aliases = Field(default_factory=list)


class Question(JsonBody):
    """May this user do that?"""

    user: Text
    action: Text
    resource: Text = "*"
