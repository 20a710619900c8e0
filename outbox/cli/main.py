"""The command group, its settings, and how errors become one line and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import psycopg

from outbox import __version__, errors
from outbox.cli import apply, check, dead, detach, explain, migrate, prune, reindex, replay, status, verify, wait
from outbox.cli.session import Session


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings file; default $OUTBOX_CONFIG or ./outbox.toml.",
)
@click.version_option(__version__)
@click.pass_context
def outbox(context: click.Context, config: Path | None) -> None:
    """Change data capture from Postgres to Apache Solr.

    You write one SQL view that is the search document; every committed change that alters a row of it reaches Solr.

    \b
    Exit codes: 0 done, 1 could not, 2 wrong arguments, 3 ran and found something, 4 dead events.
    """
    context.obj = Session(config)


_COMMANDS = (
    migrate.migrate,
    check.check,
    apply.plan,
    apply.apply,
    detach.detach,
    replay.replay,
    reindex.reindex,
    verify.verify,
    explain.explain,
    wait.wait,
    status.status,
    dead.dead,
    prune.prune,
)
for command in _COMMANDS:
    outbox.add_command(command)


def main() -> None:
    """Run the command; an error of ours is one sentence on standard error and its exit code."""
    try:
        outbox()
    except errors.OutboxError as error:
        _say(str(error), error.exit_code)
    except psycopg.errors.InsufficientPrivilege as error:
        cure = "run this as a member of the tables' owner that `outbox migrate --grant-apply-to ROLE` was run for"
        _say(f"Postgres refuses: {error.diag.message_primary}: {cure}", 1)
    except psycopg.OperationalError as error:
        _say(f"Postgres: {str(error).strip().splitlines()[0]}; is it running?", 1)
    except psycopg.Error as error:
        _say(f"Postgres refuses: {' '.join(str(error).split())}", 1)


def _say(message: str, exit_code: int) -> None:
    click.echo(f"outbox: {message}", err=True)
    sys.exit(exit_code)
