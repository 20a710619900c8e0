"""Triggers into the database, and out of it, while the application writes.

One short transaction for each table: with all tables in one, the user's own transaction died of a deadlock. It begins
by taking all locks that it needs, those of the partitions too, in one statement that gives up after 200 ms, since all
later writers wait behind it, and is tried again after a while. What is obsolete is disabled together with the making of
the new, and dropped afterwards. A failure half way leaves a state that the next call finishes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby

import psycopg
from psycopg import sql

from outbox.capture.differences import Compared, Difference, Kind, StandingTrigger, Work, compare, installed, standing
from outbox.connection import Connection, connect
from outbox.errors import OutboxError
from outbox.index import Definition
from outbox.sql import queries

_SQL = queries("outbox.capture", "install.sql")
PATIENCE_S = 300.0
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0

Say = Callable[[str], None]


class TableBusy(OutboxError):
    """A table's lock was not had in minutes of trying."""


def install(database_url: str, index: int, definition: Definition, say: Say, *, patience_s: float = PATIENCE_S) -> None:
    """Make the definition's triggers and functions stand, and no others of this index.

    `say` is told each step. Raises TableBusy when a table's lock is not had within `patience_s` seconds.
    """
    with _session(database_url) as connection:
        step = say, time.monotonic() + patience_s
        compared = compare(connection, index, definition)
        for each in compared.wanted:
            if work := compared.work(each):
                _table(connection, each.relation, work, (compared.right, step))
        compared = compare(connection, index, definition)
        for copy in compared.copies():
            switch = partial(_switch, connection, _ENABLE[compared.right], copy)
            _patiently(connection, switch, (_ALTER, copy.relation), step)
            say(f"{copy.relation}: the trigger {copy.name} is enabled")
        _drop_obsolete(connection, compared, step)


def remove(database_url: str, index: int, say: Say, *, patience_s: float = PATIENCE_S) -> None:
    """Take off every trigger and function of the index. Raises TableBusy as `install` does."""
    with _session(database_url) as connection:
        _drop_obsolete(connection, standing(connection, index), (say, time.monotonic() + patience_s))


@contextmanager
def _session(database_url: str) -> Iterator[Connection]:
    """A connection that holds the lock of apply, for which it waits as long as it takes."""
    with connect(database_url, application="outbox apply", autocommit=True, statement_timeout_s=0) as connection:
        connection.execute(_SQL["lock"])
        yield connection  # the lock ends with the session


_Step = tuple[Say, float]
_ALTER, _DROP = "lock_to_alter", "lock_to_drop"
# The first is our own limit, the second that of a role with a lock_timeout.
_NOT_HAD = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_ENABLE = {"O": "enable", "A": "enable_always"}


def _table(connection: Connection, relation: str, work: Work, how: tuple[str, _Step]) -> None:
    """Its functions, which nothing calls yet, then in one transaction the new triggers, and the old ones disabled."""
    right, step = how
    _execute(connection, work.functions)

    def change() -> None:
        for trigger in work.make:
            _execute(connection, [_replacing(text) for text in trigger.statements])
        for one in work.enable:
            _switch(connection, _ENABLE[right], one)
        for one in work.disable:
            _switch(connection, "disable", one)

    if work.make or work.enable or work.disable:
        _patiently(connection, change, (_ALTER, relation), step)
        made = f"{len(work.make)} triggers made" if work.make else "triggers enabled"
        step[0](f"{relation}: {made if work.make or work.enable else 'old triggers disabled'}")


def _replacing(statement: str) -> str:
    """Also where somebody altered the trigger under its name; then every setting of it is reset."""
    return statement.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1)


def _execute(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def _switch(connection: Connection, query: str, found: StandingTrigger) -> None:
    relation = sql.SQL(found.relation)  # quoted by Postgres
    connection.execute(sql.SQL(_SQL[query]).format(relation=relation, trigger=sql.Identifier(found.name)))


def _drop_obsolete(connection: Connection, compared: Compared, step: _Step) -> None:
    for relation, triggers in groupby(compared.obsolete_triggers(), lambda one: one.relation):
        obsolete = list(triggers)

        def drop(obsolete: Sequence[StandingTrigger] = obsolete) -> None:
            for one in obsolete:
                _switch(connection, "drop_trigger", one)

        _patiently(connection, drop, (_DROP, relation), step)
        for one in obsolete:
            step[0](f"{relation}: the trigger {one.name} is dropped")
    for function in compared.obsolete_functions():
        parts = {
            "function": sql.Identifier("outbox", function.name),
            "arguments": sql.SQL(function.arguments),  # printed by Postgres
        }
        connection.execute(sql.SQL(_SQL["drop_function"]).format(**parts))


def _patiently(connection: Connection, change: Callable[[], None], lock: tuple[str, str], step: _Step) -> None:
    """Run `change` in a transaction that gives up its wait for the locks soon, again and again until the deadline.

    `lock`: the query, and the relation as Postgres quotes it.
    """
    say, deadline = step
    relation = lock[1]
    statement = sql.SQL(_SQL[lock[0]]).format(relation=sql.SQL(relation))
    pause = _SHORTEST_PAUSE_S
    while not _at_once(connection, change, statement):
        if time.monotonic() > deadline:
            raise TableBusy(
                f"{relation} is locked by others all the time: see pg_stat_activity and pg_locks, "
                "and run the command again, which goes on from here"
            )
        say(f"{relation} is in use: trying again")
        # Between two waits for the lock, so that who queues behind us gets through; the jitter is no secret.
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
        pause = min(pause * 2, _LONGEST_PAUSE_S)


def _at_once(connection: Connection, change: Callable[[], None], lock: sql.Composed) -> bool:
    """Whether the locks were had within their time, and so the change is made."""
    with connection.transaction() as transaction:
        connection.execute(_SQL["hurry"])
        try:
            connection.execute(lock)
        except _NOT_HAD:
            raise psycopg.Rollback(transaction) from None
        connection.execute(_SQL["at_leisure"])
        change()
        return True
    return False


__all__ = ["Difference", "Kind", "TableBusy", "install", "installed", "remove"]
