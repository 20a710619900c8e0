"""`outbox check`."""

from __future__ import annotations

import sys

import click

from outbox.check import SERVERS, everything
from outbox.cli.render import as_json
from outbox.cli.session import Session
from outbox.problems import Problem


@click.command()
@click.argument("index", nargs=-1)
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(session: Session, index: tuple[str, ...], wants_json: bool) -> None:
    """Find every problem at once, each with its cure: view, triggers, rights, Solr, broker, relay. Changes nothing."""
    names = session.names(index)
    with session.database() as connection:
        found = everything(connection, session.settings, names)
    problems = [problem for group in found.values() for problem in group]
    if wants_json:
        as_json([problem.as_json() for problem in problems])
    else:
        _print(found)
    if problems:
        sys.exit(3)


def _print(found: dict[str, list[Problem]]) -> None:
    for name, problems in found.items():
        if problems or name != SERVERS:
            click.echo(f"index {name}:" if name != SERVERS else "servers:")
            for problem in problems:
                click.echo(f"  {problem}")
            if not problems:
                click.echo("  nothing is wrong")
