"""What is pruned of events and claims, chunk by chunk. Nothing here commits: each call is meant to be a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox.connection import Connection
from outbox.sql import queries

_SQL = queries("outbox.store", "retention.sql")


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one chunk did. `after`: the id or number that the next one starts after; None: this was the last."""

    deleted: int
    after: int | None


def prune_events(connection: Connection, *, after: int, most: int, keep: timedelta) -> Chunk:
    """Of the `most` events after the id `after`, delete those that were done longer ago than `keep`."""
    return _chunk(connection, "prune_events", after=after, most=most, keep=keep)


def prune_claims(connection: Connection, *, after: int, most: int, keep: timedelta) -> Chunk:
    """Of the `most` claims after the number `after`, delete those that ended longer ago than `keep`.

    The newest claim of each target stays, its newest done one, and those that an unresolved event names.
    """
    return _chunk(connection, "prune_claims", after=after, most=most, keep=keep)


def pruned_to(connection: Connection) -> datetime | None:
    """Claims that ended then or before may be gone; None if none was ever pruned."""
    row = connection.execute(_SQL["pruned_to"]).fetchone()
    return None if row is None else row[0]


def purgeable(connection: Connection, target: int, *, keep: timedelta) -> int | None:
    """The highest version of the target's tombstones that may be purged; None if there is none."""
    row = connection.execute(_SQL["purgeable"], {"target": target, "keep": keep}).fetchone()
    return None if row is None else int(row[0])


def size(connection: Connection) -> int:
    """The bytes of events and claims on disk."""
    row = connection.execute(_SQL["size"]).fetchone()
    if row is None:
        raise RuntimeError("size gave no row")  # a SELECT without FROM gives one
    return int(row[0])


def _chunk(connection: Connection, query: str, *, after: int, most: int, keep: timedelta) -> Chunk:
    row = connection.execute(_SQL[query], {"after": after, "most": most, "keep": keep}).fetchone()
    last, deleted, older = row or (None, 0, False)
    return Chunk(deleted, last if older else None)
