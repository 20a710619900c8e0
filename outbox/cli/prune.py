"""`outbox prune`."""

from __future__ import annotations

import click

from outbox import retention
from outbox.apply import solr_of
from outbox.cli.render import note
from outbox.cli.session import Session
from outbox.connection import Connection
from outbox.errors import CollectionRefused, IndexRefused, SolrUnavailable
from outbox.store import targets


@click.command()
@click.pass_obj
def prune(session: Session) -> None:
    """Prune, now and without rests, what the relay prunes by itself.

    Done events that are older than `[relay] retention` go, ended claims and the tombstones in Solr that are older than
    that and than a day. Dead and waiting events stay, whatever their age.
    """
    keep = session.settings.relay.retention
    events = claims = 0
    with session.database() as connection:
        for removed in retention.ledger(connection, keep):
            events += removed.events
            claims += removed.claims
        tombstones = _purge(session, connection)
    click.echo(f"pruned: {events} events, {claims} claims, {tombstones} tombstones")


def _purge(session: Session, connection: Connection) -> int:
    """How many tombstones went; what cannot be asked now only postpones it."""
    purged = 0
    keep, solr = session.settings.relay.retention, solr_of(session.settings)
    for survey in targets.survey(connection):
        try:
            definition = targets.definition(connection, survey.index)
            if definition is not None:
                purged += retention.purge(connection, solr, survey, definition, keep)
        except (SolrUnavailable, IndexRefused, CollectionRefused) as error:
            note(f"{survey.name}: its tombstones stay until the next time: {error}")
    return purged
