"""The command `relay`: the daemon, a console script of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from outbox import __version__, log
from outbox.errors import OutboxError
from outbox.settings import load
from relay.daemon import Relay


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config", type=click.Path(path_type=Path), help="The settings file; default $OUTBOX_CONFIG or ./outbox.toml."
)
@click.version_option(__version__)
def relay(config: Path | None) -> None:
    """Turn outbox rows into Celery tasks, until SIGTERM: expand fan-outs, claim, publish.

    Several may run: one leads, another takes over when it falls silent for two seconds.
    """
    log.configure()
    Relay(load(config)).run()


def main() -> None:
    """Run the command; an error of ours is one line on standard error and its exit code."""
    try:
        relay(standalone_mode=True)
    except OutboxError as error:
        click.echo(f"relay: {error}", err=True)
        sys.exit(error.exit_code)
