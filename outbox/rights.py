"""What the role of relay and workers may read: the view, and for the expansion of fan-outs its tables.

`migrate --grant-to` gives that role the outbox; `apply` adds this, for every role that was given it.
"""

from __future__ import annotations

import psycopg

from outbox.connection import Connection
from outbox.errors import RightsMissing
from outbox.index import Definition
from outbox.problems import Code, Problem, Severity
from outbox.sql import queries

_SQL = queries("outbox", "rights.sql")


def missing(connection: Connection, definition: Definition) -> list[str]:
    """The GRANT statements that lack, sorted; none where everything is granted, or no role was given the outbox."""
    tables = [table.oid for table in definition.tables if not table.partition]
    return [row[0] for row in connection.execute(_SQL["missing"], {"view": definition.view, "tables": tables})]


def hidden(connection: Connection, definition: Definition) -> list[Problem]:
    """Tables of which row-level security hides rows from a role of relay and workers."""
    tables = [table.oid for table in definition.tables]
    rows = connection.execute(_SQL["hidden"], {"tables": tables})
    return [
        Problem(
            Code.ROW_SECURITY,
            Severity.ERROR,
            table,
            f"its row-level security hides rows from {role}, the role of relay and workers.",
            "Give that role BYPASSRLS.",
        )
        for table, role in rows
    ]


def grant(connection: Connection, definition: Definition) -> list[str]:
    """Run what lacks; returns the statements. RightsMissing with those that our role may not run."""
    wanted = missing(connection, definition)
    for statement in wanted:
        try:
            connection.execute(statement.encode())  # made by Postgres' own format(), every name quoted
        except psycopg.errors.InsufficientPrivilege:
            continue  # what lacks is asked for again: Postgres only warns where it grants nothing
    if left := missing(connection, definition):
        raise RightsMissing(
            f"the index {definition.name}: our role may not give relay and workers what they have to read: "
            f"let the owner run: {'; '.join(left)}"
        )
    return wanted
