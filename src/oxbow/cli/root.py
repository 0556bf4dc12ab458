"""The command's top: its groups, the option that chooses a home, and how failures are told."""

from __future__ import annotations

import os
from typing import Any

import click

from oxbow import __version__
from oxbow.cli import (
    addresses,
    audit,
    domain_settings,
    domains,
    hubs,
    inspection,
    keys,
    policies,
    refusals,
    running,
    streams,
    tasks,
    usage,
    users,
    webhooks,
)
from oxbow.cli.vault import NoKeysError
from oxbow.client import RefusedError, ServerUnreachableError
from oxbow.demo import DemoError
from oxbow.kernel.errors import ApiError
from oxbow.kernel.settings import SettingsError


def explanation(error: Exception) -> tuple[int, str] | None:
    """Exit code and text for an expected failure; None for what only a defect of Oxbow can raise."""
    match error:
        case SettingsError():
            return 2, str(error)
        case ServerUnreachableError():
            return 3, f"{error}\nstart it with `oxbow serve`, or ask `oxbow doctor` what is wrong"
        case RefusedError():
            return 1, f"the server refused: {error} (status {error.status})"
        case NoKeysError() | DemoError() | ApiError():
            return 1, str(error)
        case _:
            return None


class OxbowGroup(click.Group):
    """Its commands may raise what `explanation` knows; it is told on stderr, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = explanation(error)
            if told is None:
                raise
            for line in told[1].splitlines():
                click.echo(f"oxbow: {line}", err=True)
            ctx.exit(told[0])


@click.group(
    cls=OxbowGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="oxbow", message="%(prog)s %(version)s")
@click.option(
    "--home",
    metavar="DIRECTORY",
    help="The server's home directory: its database, its sockets and oxbow.toml. "
    "The same as setting OXBOW_HOME; ~/.oxbow without either.",
)
def root(home: str | None) -> None:
    """Oxbow, a self-hosted media cloud.

    `oxbow serve` starts the server. The other commands look at the server of the same home directory, or
    change it: through its API while it runs, and for keys in its database.
    """
    if home is not None:
        os.environ["OXBOW_HOME"] = home


for command in (
    running.serve,
    running.demo,
    running.version,
    inspection.status,
    inspection.doctor,
    keys.keys,
    hubs.hub,
    streams.stream,
    domains.domain,
    tasks.task,
    addresses.url,
    usage.usage,
    webhooks.webhook,
    audit.audit,
    users.user,
    policies.policy,
    policies.may,
    refusals.why,
    refusals.refusals,
):
    root.add_command(command)

for command in domain_settings.COMMANDS:
    domains.domain.add_command(command)


def main() -> None:
    """Run the command; the process ends here."""
    root(prog_name="oxbow")
