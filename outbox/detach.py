"""Take an index's triggers off the application's tables, so that the application can alter them.

The index is marked first, the triggers go after: whatever dies between, the next `apply`, which puts them back, knows
that capture had a gap and enqueues all documents, and the next `detach` goes on. A trigger that still stands writes
events, which wait.
"""

from __future__ import annotations

from collections.abc import Callable

from outbox.capture.install import remove
from outbox.connection import connect
from outbox.migrate import head
from outbox.settings import Settings
from outbox.store import claims, indexes

Say = Callable[[str], None]


def detach(settings: Settings, name: str, say: Say) -> bool:
    """Detach the index, which may stand by half, or on a view and tables that are gone; false if it was before.

    `say` is told each step. Raises NotApplied for a name that nobody ever applied, and TableBusy as `apply` does.
    """
    steps: list[str] = []

    def step(words: str) -> None:
        steps.append(words)
        say(words)

    with connect(settings.database_url, application="outbox detach", autocommit=True) as connection:
        indexes.demand_schema(connection, head())
        indexes.alone(connection)
        index, since = indexes.registered(connection, name)
        with connection.transaction():
            claims.lock_index(connection, index)
            indexes.detach(connection, index)
            claims.end_unbegun(connection, index, "the index is detached")
        remove(settings.database_url, index, step)
    return since is None or bool(steps)
