"""`oxbow serve`, `oxbow demo` and `oxbow version`: what runs rather than asks."""

from __future__ import annotations

import signal
import sys

import click

from oxbow import __version__
from oxbow.cli.connection import connected
from oxbow.demo import Demo
from oxbow.kernel.settings import KernelSettings, load


@click.command()
def serve() -> None:
    """Start the server in the foreground.

    Ctrl-C or SIGTERM ends it within seconds. Settings come from OXBOW_* variables and oxbow.toml in the home
    directory; a wrong one stops the start and says what it takes.
    """
    # The server brings the settings of all rooms in; no other command shall wait for that.
    from oxbow.server import serve as run_server

    sys.exit(run_server())


@click.command()
def demo() -> None:
    """Publish a test broadcast and show what is live.

    Starts the server if none runs, creates the hub `demo`, publishes a moving picture with a clock and a
    tone, prints the addresses to watch it at and, every few seconds, what is live. Ctrl-C ends it.
    """
    # A shell starts its background jobs with SIGINT ignored, and they must end all the same when asked to.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        Demo(load(KernelSettings), connected, click.echo).run()
    except KeyboardInterrupt:
        click.echo("The demo ends.")


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)
