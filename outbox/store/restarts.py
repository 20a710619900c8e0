"""What is written when the server has started anew: it may have lost commits that Solr knows. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from outbox.connection import Connection
from outbox.sql import queries
from outbox.store.claims import Ended, Outcome

_SQL = queries("outbox.store", "restarts.sql")
GAP = 10_000
"""Numbers left out after a start: more than late workers of a lost time-line can hold."""


def revoke_all(connection: Connection) -> list[Ended]:
    """End every claim that was made under another start of the server."""
    return [Ended(row[0], Outcome(row[1]), row[2]) for row in connection.execute(_SQL["revoke_all"])]


def fence(connection: Connection, target: int, *, highest: int) -> tuple[int, int]:
    """Raise the sequence above Solr's `highest` version and a gap.

    Returns the newest claim of the target that the ledger knows (0: none), and the number that the sequence stands at.
    """
    row = connection.execute(_SQL["fence"], {"target": target, "highest": highest, "gap": GAP}).fetchone()
    if row is None:
        raise RuntimeError("fence gave no row")  # a SELECT from one row gives one
    return int(row[0]), int(row[1])


def checked(connection: Connection, target: int, *, above: int, to: int, again: timedelta) -> None:
    """The target was compared under this start; versions above `above`, to `to`, are looked for again after a while."""
    connection.execute(_SQL["checked"], {"target": target, "above": above, "to": to, "again": again})


def recheck(connection: Connection, target: int) -> tuple[int, int]:
    """The versions that have to be looked for again: above the first, to the second."""
    row = connection.execute(_SQL["recheck"], {"target": target}).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def rechecked(connection: Connection, target: int) -> None:
    """They were."""
    connection.execute(_SQL["rechecked"], {"target": target})


def replay(connection: Connection, *, index: int, queue: int, keys: Sequence[str]) -> None:
    """Enqueue these documents again for one target; `queue` is the value of `event.target`."""
    connection.execute(_SQL["replay"], {"index": index, "queue": queue, "keys": list(keys)})
