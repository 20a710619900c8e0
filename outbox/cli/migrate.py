"""`outbox migrate`."""

from __future__ import annotations

import sys

import click

from outbox import migrate as schema
from outbox.cli.render import note
from outbox.cli.session import Session
from outbox.connection import connect


@click.command()
@click.option("--sql", "as_sql", is_flag=True, help="Print the DDL instead of running it.")
@click.option("--grant-to", metavar="ROLE", help="Grant what the role of relay and workers needs.")
@click.option("--grant-apply-to", metavar="ROLE", help="Grant what the role that runs apply and detach needs.")
@click.pass_obj
def migrate(session: Session, as_sql: bool, grant_to: str | None, grant_apply_to: str | None) -> None:
    """Bring the schema `outbox` of the database to the newest version."""
    given = [schema.grants(grant_to)] if grant_to else []
    if grant_apply_to:
        given.append(schema.grants(grant_apply_to, to_apply=True))
    if as_sql:
        schema.upgrade_sql(sys.stdout)
        click.echo("\n".join(given), nl=bool(given))
        return
    url = session.settings.database_url
    schema.upgrade(url)
    with connect(url, application="outbox migrate", autocommit=True) as connection:
        for grants in given:
            connection.execute(grants.encode())
    note(f"the schema outbox is at version {schema.head()}")
