"""`outbox detach`."""

from __future__ import annotations

import click

from outbox import detach as detaching
from outbox.cli.render import note
from outbox.cli.session import Session


@click.command()
@click.argument("index")
@click.pass_obj
def detach(session: Session, index: str) -> None:
    """Take the triggers of an index off the application's tables; `outbox apply` puts them back and replays.

    For upgrades of the application that alter or drop what the view reads. Nothing is indexed meanwhile.
    """
    if detaching.detach(session.settings, index, note):
        click.echo(f"{index} is detached: `outbox apply` puts the triggers back and enqueues all documents")
    else:
        click.echo(f"{index} is detached already: nothing to do")
