"""`outbox dead`."""

from __future__ import annotations

from dataclasses import asdict

import click

from outbox.cli.render import as_json, table
from outbox.cli.session import Session
from outbox.store import events


@click.group()
def dead() -> None:
    """Events that Solr or Postgres refuses for a reason that trying again cannot mend."""


@dead.command("list")
@click.option("--index", help="Only those of this index.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_dead(session: Session, index: str | None, wants_json: bool) -> None:
    """List them with the server's words. A later change of the document that is indexed resolves it."""
    with session.database() as connection:
        found = events.dead(connection, index=index)
    if wants_json:
        as_json([asdict(event) for event in found])
        return
    if not found:
        click.echo("no dead events")
        return
    table(
        f"{len(found)} dead events",
        ("id", "index", "key", "died", "reason"),
        ((e.id, e.index, e.key, f"{e.dead_at:%Y-%m-%d %H:%M:%S}", e.error) for e in found),
    )
