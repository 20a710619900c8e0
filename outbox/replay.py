"""Replays: documents are enqueued as if they had changed. The relay enumerates and the workers index them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from outbox.connection import Connection
from outbox.errors import UsageError
from outbox.sql import queries
from outbox.store import claims, events, indexes

_SQL = queries("outbox.store", "replay.sql")


def all_documents(connection: Connection, index: str) -> int:
    """Enqueue every document of the index; returns the id of the fan-out event that stands for them."""
    applied, _ = indexes.demand(connection, index)
    with connection.transaction():
        event = events.replay_all(connection, applied.id)
        claims.wake(connection)
    return event


def documents(connection: Connection, index: str, keys: Sequence[str]) -> list[int]:
    """Enqueue these documents; returns the events' ids. UsageError if a key is none of the index's key type."""
    applied, definition = indexes.demand(connection, index)
    spelled = _as_postgres_spells(connection, definition.key_type, keys)
    with connection.transaction():
        ids = events.replay_keys(connection, applied.id, spelled)
        claims.wake(connection)
    return ids


def count(connection: Connection, index: str, keys: Sequence[str]) -> int:
    """How many documents a replay of these keys, or of all, would enqueue (without those that only Solr has)."""
    _, definition = indexes.demand(connection, index)
    if keys:
        return len(set(_as_postgres_spells(connection, definition.key_type, keys)))
    query = sql.SQL(_SQL["count_view"]).format(view=sql.SQL(definition.view))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _as_postgres_spells(connection: Connection, key_type: str, keys: Sequence[str]) -> list[str]:
    """An upper-case uuid and " 7" are documents too: keys are compared as text, in Postgres' own spelling."""
    query = sql.SQL(_SQL["spell"]).format(type=sql.SQL(key_type))
    try:
        return [row[0] for row in connection.execute(query, {"keys": list(keys)})]
    except psycopg.DataError as error:
        raise UsageError(f"a key is not of the index's key type {key_type}: {str(error).splitlines()[0]}") from error
