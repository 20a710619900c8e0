"""`outbox reindex`."""

from __future__ import annotations

from pathlib import Path

import click

from outbox.cli.progress import progress
from outbox.cli.render import note
from outbox.cli.session import Session
from outbox.errors import UsageError
from outbox.reindex import reindex as reindexing


@click.command()
@click.argument("index")
@click.option("--view", metavar="V", help="Of another document view; put it into the settings afterwards.")
@click.option(
    "--configset",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="From another configset's conf folder.",
)
@click.option("--rollback", is_flag=True, help="Put the old collection back in its place.")
@click.option("--abort", is_flag=True, help="Give up the one that is being built.")
@click.option("--drop-old", is_flag=True, help="Drop the old collection, which is kept up to date until then.")
@click.pass_obj
def reindex(
    session: Session, index: str, view: str | None, configset: Path | None, rollback: bool, abort: bool, drop_old: bool
) -> None:
    """Build a new collection beside the one that serves, prove it, and put it in its place.

    Searches see the old one whole until then and the new one whole afterwards, and live changes go to both. What is
    killed goes on where it was when it is run again.
    """
    if sum((rollback, abort, drop_old)) > 1 or ((view or configset) and (rollback or abort or drop_old)):
        raise UsageError("give one of --rollback, --abort and --drop-old, or --view and --configset")
    session.settings.named(index)
    if abort:
        reindexing.abort(session.settings, index, note)
    elif drop_old:
        reindexing.drop_old(session.settings, index, note)
    else:
        with progress(index) as show:
            most = 0

            def watch(left: int) -> None:
                nonlocal most
                most = max(most, left)
                show(most - left, most)

            if rollback:
                reindexing.rollback(session.settings, index, note, watch)
            else:
                reindexing.reindex(session.settings, index, note, watch, view=view, configset=configset)
