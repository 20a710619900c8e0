"""Queries over the user's data, which may be large: each is ended after a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outbox.connection import Connection
from outbox.sql import queries

_SQL = queries("outbox.capture", "bounded.sql")


@contextmanager
def bounded(connection: Connection, longest_ms: int) -> Iterator[None]:
    """A transaction, rolled back at its end, whose statements raise psycopg's QueryCanceled after so long."""
    with connection.transaction(force_rollback=True):  # also takes the time-out back
        connection.execute(_SQL["bounded"], {"milliseconds": longest_ms})
        yield
