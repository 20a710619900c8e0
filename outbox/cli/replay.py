"""`outbox replay`."""

from __future__ import annotations

import click

from outbox import replay as replaying
from outbox.cli.render import note
from outbox.cli.session import Session
from outbox.cli.wait import wait_for
from outbox.errors import UsageError


@click.command()
@click.argument("index")
@click.option("--all", "every", is_flag=True, help="All documents of the view, and those that only Solr still has.")
@click.option("--key", "keys", multiple=True, metavar="K", help="This document; may be given several times.")
@click.option("--wait", "waits", is_flag=True, help="Wait until they are indexed; exits as `outbox wait` does.")
@click.option("--dry-run", is_flag=True, help="Only say how many documents it would be.")
@click.pass_obj
def replay(session: Session, index: str, every: bool, keys: tuple[str, ...], waits: bool, dry_run: bool) -> None:
    """Enqueue documents again, as if they had changed."""
    if every == bool(keys):
        raise UsageError("say which documents: --all, or --key K for each of them")
    with session.database() as connection:
        if dry_run:
            click.echo(f"{replaying.count(connection, index, keys)} documents would be enqueued")
            return
        if every:
            replaying.all_documents(connection, index)
            note(f"{index}: all documents are enqueued")
        else:
            replaying.documents(connection, index, keys)
            note(f"{index}: {len(keys)} documents are enqueued")
        if waits:
            wait_for(session, connection, timeout_s=None, searchable=False)
