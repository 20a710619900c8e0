"""Which keys the view has now. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from outbox.connection import Connection
from outbox.index import Definition
from outbox.sql import queries

_SQL = queries("outbox.store", "shown.sql")


def shown(connection: Connection, definition: Definition, keys: Sequence[str]) -> set[str]:
    """Those of the keys that the view has now; one that is no value of the key's type it has not.

    Where its row cannot be computed a key counts as not shown.
    """
    if not keys:
        return set()
    view = sql.SQL(definition.view.replace("%", "%%"))
    query = sql.SQL(_SQL["shown"]).format(view=view, type=sql.SQL(definition.key_type))
    try:
        with connection.transaction():
            return {row[0] for row in connection.execute(query, {"keys": list(keys)})}
    except psycopg.DataError:
        if len(keys) == 1:
            return set()
        middle = len(keys) // 2
        return shown(connection, definition, keys[:middle]) | shown(connection, definition, keys[middle:])
