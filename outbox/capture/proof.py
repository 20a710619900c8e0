"""Postgres' own word on the composed statements: that they can be run, and that the read uses the key's index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from outbox.connection import Connection
from outbox.index import Definition
from outbox.problems import Code, Problem, Severity
from outbox.sql import queries

_SQL = queries("outbox.capture", "proof.sql")
_PARAMETERS = {
    "ids": [0],
    "routes": [Jsonb([])],
    "route": Jsonb([]),
    "after": None,
    "most": 1,
    "number": 0,
    "only": None,
}


def prove(connection: Connection, definition: Definition) -> list[Problem]:
    """Plan every statement of the definition."""
    problems: list[Problem] = []
    for where, statement in _statements(definition):
        try:
            explain(connection, statement)
        except psycopg.DatabaseError as error:
            if isinstance(error, psycopg.OperationalError):
                raise
            problems.append(_not_run(where, str(error).splitlines()[0], of_the_view=where == definition.view))
    if not problems and not _uses_key(explain(connection, definition.read)):
        what = "its keyed read cannot use an index of the key: each batch would compute the whole view."
        key = sql.Identifier(definition.key).as_string(None)
        cure = (
            "Show the key column itself as `id`, without a cast (Solr's id is text anyway), or index the expression: "
            f"CREATE UNIQUE INDEX ON {definition.root} ((({key})::{definition.key_type})). "
            "Where there is no cast, it is a window or a LIMIT that has to go."
        )
        problems.append(Problem(Code.KEYED_READ, Severity.WARNING, definition.view, what, cure))
    return problems


def _statements(definition: Definition) -> Iterator[tuple[str, str]]:
    yield definition.view, definition.read
    yield definition.view, definition.enumerate
    for way in definition.ways:
        if not way.is_key:
            yield f"{way.table} ({way.occurrence})", way.expand
            yield f"{way.table} ({way.occurrence})", way.enumerate


def _not_run(where: str, reason: str, *, of_the_view: bool) -> Problem:
    what = f"the statement composed for it is refused by Postgres: {reason}."
    cure = "Declare its way in [index.NAME.ways]."
    if of_the_view:
        cure = (
            "It is read with an empty search_path: where a function of it uses unqualified names, qualify them, "
            "or ALTER FUNCTION … SET search_path."
        )
    return Problem(Code.VIEW_NOT_READ, Severity.ERROR, where, what, cure)


def explain(connection: Connection, statement: str, *, nested: bool = False) -> Any:
    """The plan of a composed statement with an index wherever one can be used; `nested`: and no other way to join."""
    query = sql.SQL(_SQL["explain"]).format(statement=sql.SQL(statement))
    with connection.transaction(force_rollback=True):
        connection.execute(_SQL["no_scans"])
        if nested:
            connection.execute(_SQL["no_hashing"])
        row = connection.execute(query, _PARAMETERS).fetchone()
    return row[0] if row else None


def _uses_key(plan: Any) -> bool:
    """Whether some index is searched for the claim's keys, which are the only array there is."""
    if isinstance(plan, dict):
        return "ANY (" in plan.get("Index Cond", "") or any(map(_uses_key, plan.values()))
    return isinstance(plan, list) and any(map(_uses_key, plan))
