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
@click.pass_obj
def migrate(session: Session, as_sql: bool, grant_to: str | None) -> None:
    """Bring the schema `outbox` of the database to the newest version."""
    if as_sql:
        schema.upgrade_sql(sys.stdout)
        if grant_to:
            click.echo(schema.grants(grant_to))
        return
    url = session.settings.database_url
    schema.upgrade(url)
    if grant_to:
        with connect(url, application="outbox migrate", autocommit=True) as connection:
            connection.execute(schema.grants(grant_to).encode())
    note(f"the schema outbox is at version {schema.head()}")
