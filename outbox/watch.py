"""What changes beneath an applied index without firing a trigger: the relay looks each minute, and `apply` mends it.

Not looked for: rewrites of a table (VACUUM FULL and CLUSTER are rewrites too, and alter nothing; one that alters a
shown column is refused by Postgres while view and triggers stand) and rows that restores or replication wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

from outbox.capture import catalogue
from outbox.capture.install import installed
from outbox.capture.plan import fingerprint
from outbox.connection import Connection
from outbox.index import Definition, Table
from outbox.sql import queries
from outbox.store.indexes import Baseline

_SQL = queries("outbox", "watch.sql")
_NAMED = 3
_CURE = "run `outbox apply`"


@dataclass(frozen=True, slots=True)
class Seen:
    """Sentences, each with its cure; none when all is as it was applied. `view_changed`: the view's text is another."""

    notices: list[str]
    view_changed: bool


def baseline(connection: Connection, definition: Definition) -> Baseline:
    """What `apply` stores to compare later looks with: names, each with texts of which none may go."""
    return {key: texts for key, (_, texts) in _silent(connection, definition).items()}


def silent_changes(connection: Connection, definition: Definition, before: Baseline) -> list[str]:
    """What altered documents since the baseline without any trigger, in words."""
    now = _silent(connection, definition)
    return [words for key, (words, texts) in now.items() if set(before.get(key, ())) - set(texts)]


def look(connection: Connection, index: int, definition: Definition, before: Baseline) -> Seen:
    """Compare the database with an applied definition, in a transaction of the caller's; some milliseconds.

    Waits at most 20 ms for a lock; raises psycopg's LockNotAvailable then.
    """
    connection.execute(_SQL["pinned"])
    view = _view(connection, definition)
    notices = [
        *view,
        *_tables(connection, definition),
        *_triggers(connection, index, definition),
        *(f"{words} changed: {_CURE}, which replays" for words in silent_changes(connection, definition, before)),
    ]
    return Seen(notices, bool(view))


def _view(connection: Connection, definition: Definition) -> list[str]:
    row = connection.execute(_SQL["view"], {"view": definition.view}).fetchone()
    if row is None or row[0] is None:
        return [f"the view {definition.view} is gone: create it and {_CURE}"]
    if fingerprint(catalogue.views_of(connection, row[0]).values()) != definition.fingerprint:
        return [f"the view {definition.view}, or one beneath it, was altered: {_CURE}"]
    return []


def _tables(connection: Connection, definition: Definition) -> list[str]:
    known = {table.oid: table for table in definition.tables}
    there: dict[int, bool] = dict(connection.execute(_SQL["tables"], {"tables": list(known)}).fetchall())
    below = {row[0]: row for row in connection.execute(_SQL["descendants"], {"tables": list(known)})}
    notices = [_new(name, partition) for oid, name, partition in below.values() if oid not in known]
    for oid, table in known.items():
        notices += _table(table, there.get(oid), is_below=oid in below)
    return notices


def _new(name: str, partition: bool) -> str:
    if partition:
        return f"the partition {name} is new, a TRUNCATE of it is not captured, nor were the rows it came with: {_CURE}"
    return f"the table {name} inherits since then, and nothing of it is captured: {_CURE}"


def _table(table: Table, unlogged: bool | None, *, is_below: bool) -> list[str]:
    """Of one table of the definition; `unlogged` is None where it is gone."""
    if unlogged is None:
        return [f"the table {table.relation} is gone, or was made anew: {_CURE}"]
    if table.partition and not is_below:
        return [f"the table {table.relation} is no longer a partition, its rows have left the view: {_CURE}"]
    if unlogged:
        what = "is UNLOGGED: a crash of the server empties it, and no trigger sees that"
        return [f"the table {table.relation} {what}: ALTER TABLE … SET LOGGED, or replay after a crash"]
    return []


def _triggers(connection: Connection, index: int, definition: Definition) -> list[str]:
    found = [str(one) for one in installed(connection, index, definition, with_new=False)]  # new tables: see above
    if not found:
        return []
    more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return [f"triggers are not as they were applied ({', '.join(found[:_NAMED])}{more}): {_CURE}"]


def _silent(connection: Connection, definition: Definition) -> dict[str, tuple[str, list[str]]]:
    rows = connection.execute(_SQL["silent"], {"tables": [table.oid for table in definition.tables]})
    return {key: (words, texts) for key, words, texts in rows}
