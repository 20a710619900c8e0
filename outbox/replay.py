"""Replays: documents are enqueued as if they had changed. The relay claims and the workers index them.

All documents are one fan-out event, which the relay enumerates in throttled chunks that survive its death. A choice of
documents is enumerated here, with the rights of who asks, and appended as one event for each key: a condition that was
stored for the relay would let whoever may write events run SQL with the relay's rights. A choice that dies half way has
lost nothing: run it again. Its keys come out of a held cursor, one in a session: the server computes them at the
commit, keeps them on its disk, and no snapshot is held while they are appended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import psycopg
from psycopg import sql

from outbox.connection import Connection
from outbox.errors import UsageError
from outbox.settings import parse_duration
from outbox.sql import queries
from outbox.sqlstate import first_line
from outbox.store import claims, events, indexes

_SQL = queries("outbox.store", "replay.sql")
CHUNK = 1000
"""Keys of one transaction."""


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
    return _append(connection, applied.id, _as_postgres_spells(connection, definition.key_type, keys))


def enqueue(connection: Connection, index: str, chunks: Iterable[list[str]], seen: Callable[[int], None]) -> int:
    """Enqueue the documents of these chunks, one transaction each; how many. `seen` is told the number after each.

    UsageError when the chunks end in one; it says how many documents are enqueued nevertheless.
    """
    applied, _ = indexes.demand(connection, index)
    count = 0
    try:
        for keys in chunks:
            count += len(_append(connection, applied.id, keys))
            seen(count)
    except UsageError as error:
        raise UsageError(f"{error}; {count} documents before it are enqueued") if count else error from None
    return count


def listed(connection: Connection, index: str, keys: Iterable[str]) -> Iterator[list[str]]:
    """These keys in chunks, in Postgres' spelling. UsageError, naming its place, if one is none of the key type."""
    _, definition = indexes.demand(connection, index)
    given, first = iter(keys), 1
    while chunk := list(islice(given, CHUNK)):
        try:
            yield _as_postgres_spells(connection, definition.key_type, list(dict.fromkeys(chunk)))
        except UsageError as error:
            raise UsageError(f"among the keys {first} to {first + len(chunk) - 1}, {error}") from error
        first += len(chunk)


def matching(connection: Connection, index: str, condition: str) -> Iterator[list[str]]:
    """The keys of the view's rows for which the SQL condition holds, in chunks. UsageError if Postgres refuses it."""
    _, definition = indexes.demand(connection, index)
    query = sql.SQL(_SQL["matching"]).format(view=sql.SQL(definition.view), condition=sql.SQL(condition))
    try:
        with connection.transaction():
            _choose(connection)
            connection.execute(query, prepare=True)  # what is prepared is one statement, or refused
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        words = error.diag.message_primary or first_line(error)
        raise UsageError(
            f"the condition is refused: {words}; write it over the columns of {definition.view}, "
            "and name functions that are not Postgres' own with their schema"
        ) from error
    return _fetched(connection)


def since(connection: Connection, index: str, moment: str) -> tuple[str, Iterator[list[str]]]:
    """The keys of claims that were done since a time ("2026-11-24 10:00", UTC without a zone) or for so long ("2h").

    Returns the time as Postgres spells it, and the chunks. UsageError if it is none, lies ahead, or lies before what
    the ledger still has.
    """
    applied, _ = indexes.demand(connection, index)
    with connection.transaction():
        _choose(connection)
        at = _moment(connection, moment)
        connection.execute(_SQL["since"], {"index": applied.id, "since": at})
    return at, _fetched(connection)


def count_view(connection: Connection, index: str) -> int:
    """How many documents the view has now."""
    _, definition = indexes.demand(connection, index)
    with connection.transaction():
        connection.execute(_SQL["patient"])
        row = connection.execute(sql.SQL(_SQL["count_view"]).format(view=sql.SQL(definition.view))).fetchone()
    return int(row[0]) if row else 0


def _append(connection: Connection, index: int, keys: Sequence[str]) -> list[int]:
    with connection.transaction():
        ids = events.replay_keys(connection, index, keys)
        claims.wake(connection)
    return ids


def _choose(connection: Connection) -> None:
    connection.execute(_SQL["choosing"])
    connection.execute(_SQL["patient"])


def _fetched(connection: Connection) -> Iterator[list[str]]:
    """The rows of the cursor that is declared, chunk by chunk."""
    try:
        while rows := connection.execute(_SQL["fetch"]).fetchall():
            yield [row[0] for row in rows]
    finally:
        if not connection.broken:
            connection.execute(_SQL["close"])


def _moment(connection: Connection, text: str) -> str:
    ago, at = _read(text)
    try:
        ((found, ahead, pruned),) = connection.execute(_SQL["moment"], {"ago": ago, "at": at}).fetchall()
    except psycopg.DataError as error:
        raise UsageError(
            f"--since {text!r} is no time: write one, e.g. 2026-11-24 10:00 (UTC where it names no zone), or 2h"
        ) from error
    if ahead:
        raise UsageError(f"--since {text!r} lies ahead: it is {found}")
    if pruned:
        raise UsageError(
            f"what was indexed since {found} is not known any more: claims that ended until {pruned} are pruned "
            "(`[relay] retention`); give a later time, or --all"
        )
    return str(found)


def _read(text: str) -> tuple[object, str | None]:
    """A duration, or else what Postgres may take for a time."""
    try:
        return parse_duration(text), None
    except ValueError:
        return None, text


def _as_postgres_spells(connection: Connection, key_type: str, keys: Sequence[str]) -> list[str]:
    """An upper-case uuid and " 7" are documents too: keys are compared as text, in Postgres' own spelling."""
    query = sql.SQL(_SQL["spell"]).format(type=sql.SQL(key_type))
    try:
        return [row[0] for row in connection.execute(query, {"keys": list(keys)})]
    except psycopg.DataError as error:
        raise UsageError(f"a key is not of the index's key type {key_type}: {str(error).splitlines()[0]}") from error
