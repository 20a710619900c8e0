"""`outbox plan` and `outbox apply`."""

from __future__ import annotations

import sys

import click

from outbox import apply as applying
from outbox.apply import Plan
from outbox.capture.forecast import documents, forecast
from outbox.capture.triggers import ddl
from outbox.cli.render import note, table
from outbox.cli.session import Session
from outbox.connection import Connection
from outbox.destination import call
from outbox.index import Definition
from outbox.problems import errors
from outbox.solr.client import Solr
from outbox.solr.schema import wanted


@click.command()
@click.argument("index", nargs=-1)
@click.option("--sql", "as_sql", is_flag=True, help="Print the triggers' DDL instead.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 if apply would change anything.")
@click.pass_obj
def plan(session: Session, index: tuple[str, ...], as_sql: bool, exit_code: bool) -> None:
    """Show what `apply` would change, and what was found in the view: root, key, tables, ways, fields.

    Also a forecast: how many documents the most used row of each table is on.
    """
    changes = False
    refused = False
    with session.database() as connection:
        solr = applying.solr_of(session.settings)
        for name in session.names(index):
            planned = applying.plan(connection, solr, name, session.settings.named(name))
            changes = changes or planned.changes
            refused = refused or bool(errors(list(planned.problems)))
            _print(connection, solr, planned, as_sql)
    if refused:
        sys.exit(1)
    if exit_code and changes:
        sys.exit(3)


@click.command()
@click.argument("index", nargs=-1)
@click.pass_obj
def apply(session: Session, index: tuple[str, ...]) -> None:
    """Make collection, fields and triggers for the indexes of the settings, and enqueue what has to be indexed."""
    for name in session.names(index):
        planned = applying.apply(session.settings, name, note)
        state = "is applied" if planned.changes or planned.replay else "is as it should be: nothing to do"
        click.echo(f"{name} {state}")


def _print(connection: Connection, solr: Solr, planned: Plan, as_sql: bool) -> None:
    for problem in planned.problems:
        note(str(problem))
    definition = planned.definition
    if definition is None:
        return
    if as_sql:
        for one in ddl(planned.applied.id if planned.applied else 0, definition):
            click.echo(f"-- {one.relation}\n{one.text}\n")
        return
    click.echo(f"index {planned.name}: view {definition.view}, root {definition.root}, key {definition.key}")
    _print_definition(definition)
    click.echo("\nforecast")
    for line in (*map(str, forecast(connection, planned.paths, definition.key)), *_uncounted(definition)):
        click.echo(f"  {line}")
    for line in _steps(connection, planned, definition, solr):
        click.echo(line)


def _uncounted(definition: Definition) -> list[str]:
    """What the settings declare, of which nothing is counted."""
    whole = [
        f"{one.relation}: any change of it is on all documents, lane bulk"
        for one in definition.tables
        if one.everything
    ]
    declared = [f"{way.table}: its way is declared, and not counted" for way in definition.ways if way.declared]
    return whole + declared


def _print_definition(definition: Definition) -> None:
    fields, copies = wanted(definition.fields)
    table(
        "\nfields",
        ("column", "type", "Solr field", "Solr type"),
        ((f.name, f.postgres_type, f.name, _type(f.solr_type, f.multivalued)) for f in definition.fields),
    )
    columns = {field.name for field in definition.fields}
    extra = [f"{field.name} ({field.type})" for field in fields if field.name not in columns]
    click.echo(f"companions: {', '.join(extra) or 'none'}; {len(copies)} copies")
    table(
        "\ntables",
        ("table", "tracked columns", "ways to the root"),
        (
            (
                one.relation,
                ", ".join(column.name for column in one.tracked) or "(insert and delete only)",
                "\n".join(definition.way(number).description for number in one.ways) or "the root",
            )
            for one in definition.tables
        ),
    )


def _type(solr_type: str, multivalued: bool) -> str:
    return f"{solr_type}, multiValued" if multivalued else solr_type


def _collection_steps(planned: Plan, solr: Solr) -> list[str]:
    to, lacking = planned.destination, planned.destination.lacking
    if not to.exists:
        return [f"make the collection {to.collection}, and the alias {planned.settings.collection} for it"]
    if not to.foreign:
        names = ", ".join(field.name for field in lacking.fields)
        return [f"add the Solr fields {names}"] if names else []
    steps = []
    if not planned.settings.adopt:
        steps.append(f"nothing in {to.collection}, which is somebody's, unless the settings say `adopt = true`")
    if lacking.fields:
        steps.append(
            f"have its owner make this call, since its schema is left alone: {call(solr, to.collection, lacking)}"
        )
    return steps


def _steps(connection: Connection, planned: Plan, definition: Definition, solr: Solr) -> list[str]:
    steps: list[str] = []
    steps += _collection_steps(planned, solr)
    if planned.applied is None:
        steps.append(f"make triggers on {', '.join(one.relation for one in definition.tables)}")
    if planned.applied is not None and planned.applied.detached_at is not None:
        steps.append("put the triggers back: the index is detached")
    steps.extend(str(difference) for difference in planned.differences)
    steps.extend(planned.grants)
    if planned.replay:
        many = documents(connection, definition.view)
        steps.append(f"enqueue all documents, about {many:,}, since {planned.replay}")
    return ["\nto do:", *(f"  - {step}" for step in steps)] if steps else ["\nnothing to do"]
