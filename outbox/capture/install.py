"""Triggers into the database, and out of it, while the application writes.

One short transaction for each table: with all tables in one, the user's own transaction died of a deadlock. None waits
longer than 200 ms for its lock, since all later writers would wait behind it; it is tried again after a while. What is
obsolete is disabled together with the making of the new, and dropped afterwards. A failure half way leaves a state that
the next call finishes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from outbox.capture.triggers import Ddl, Trigger, ddl
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


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in the database that is not as the definition wants it."""

    relation: str
    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.what} {self.name}{f' on {self.relation}' if self.relation else ''}"


@dataclass(frozen=True, slots=True)
class _Found:
    """A trigger as it stands; `enabled` is Postgres' tgenabled: O, A, D or R."""

    oid: int
    relation: str
    name: str
    enabled: str


def installed(connection: Connection, index: int, definition: Definition) -> list[Difference]:
    """What `install` would do: triggers and functions that are missing, altered, disabled or superfluous."""
    wanted = ddl(index, definition)
    found = {(one.oid, one.name): one for one in _triggers(connection, index)}
    names = {(each.oid, trigger.name) for each in wanted for trigger in each.triggers}
    right = _right_state(definition)
    differences = []
    for each in wanted:
        for trigger in each.triggers:
            there = found.get((each.oid, trigger.name))
            if there is None:
                differences.append(Difference(each.relation, trigger.name, "make the trigger"))
            elif there.enabled != right:
                differences.append(Difference(each.relation, trigger.name, "enable the trigger"))
    differences += [
        Difference(one.relation, one.name, "drop the trigger") for key, one in found.items() if key not in names
    ]
    return differences + _function_differences(connection, index, wanted)


def _function_differences(connection: Connection, index: int, wanted: Sequence[Ddl]) -> list[Difference]:
    bodies = {name: body for name, body, _ in _functions(connection, index)}
    texts = {name: text for each in wanted for name, text in zip(each.names, each.functions, strict=True)}
    differences = []
    for name, text in texts.items():
        if name not in bodies:
            differences.append(Difference("", name, "make the function"))
        elif bodies[name].strip() not in text:  # a SQL function's body is no text
            differences.append(Difference("", name, "restore the altered function"))
    return differences + [Difference("", name, "drop the function") for name in bodies if name not in texts]


def _right_state(definition: Definition) -> str:
    return "A" if definition.capture == "always" else "O"


def _triggers(connection: Connection, index: int) -> list[_Found]:
    pattern = {"pattern": rf"outbox\_{index}\_%"}
    return [_Found(*row) for row in connection.execute(_SQL["triggers"], pattern)]


def _functions(connection: Connection, index: int) -> list[tuple[str, str, str]]:
    patterns = {"capture": rf"capture\_{index}\_%", "value": rf"value\_{index}\_%"}
    return [(row[0], row[1], row[2]) for row in connection.execute(_SQL["functions"], patterns)]


def install(database_url: str, index: int, definition: Definition, say: Say, *, patience_s: float = PATIENCE_S) -> None:
    """Make the definition's triggers and functions stand, and no others of this index.

    `say` is told each step. Raises TableBusy when a table's lock is not had within `patience_s` seconds.
    """
    wanted = ddl(index, definition)
    with _session(database_url) as connection:
        if not installed(connection, index, definition):
            return
        deadline = time.monotonic() + patience_s
        for each in wanted:
            _table(connection, index, each, _right_state(definition), (say, deadline))
        _drop_obsolete(connection, index, wanted, (say, deadline))


def remove(database_url: str, index: int, say: Say, *, patience_s: float = PATIENCE_S) -> None:
    """Take off every trigger and function of the index. Raises TableBusy as `install` does."""
    with _session(database_url) as connection:
        _drop_obsolete(connection, index, [], (say, time.monotonic() + patience_s))


@contextmanager
def _session(database_url: str) -> Iterator[Connection]:
    """A connection that holds the lock of apply, for which it waits as long as it takes."""
    with connect(database_url, application="outbox apply", autocommit=True, statement_timeout_s=0) as connection:
        connection.execute(_SQL["lock"])
        yield connection  # the lock ends with the session


_Step = tuple[Say, float]


def _table(connection: Connection, index: int, wanted: Ddl, right: str, step: _Step) -> None:
    """Everything of one table in one transaction: functions, new triggers, and the old ones disabled."""
    here = {one.name: one for one in _triggers(connection, index) if one.oid == wanted.oid}
    missing = [trigger for trigger in wanted.triggers if trigger.name not in here]
    names = {trigger.name for trigger in wanted.triggers}
    asleep = [one for one in here.values() if one.name in names and one.enabled != right]
    obsolete = [one for one in here.values() if one.name not in names and one.enabled != "D"]

    def change() -> None:
        _execute(connection, wanted.functions)
        for trigger in missing:
            _execute(connection, trigger.statements)
        for one in asleep:
            _switch(connection, "enable_always" if right == "A" else "enable", one)
        for one in obsolete:
            _switch(connection, "disable", one)

    _patiently(connection, change, wanted.relation, step)
    if missing or asleep or obsolete:
        made = f"{len(missing)} triggers made" if missing else "triggers enabled" if asleep else "old triggers disabled"
        step[0](f"{wanted.relation}: {made}")


def _execute(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def _switch(connection: Connection, query: str, found: _Found) -> None:
    relation = sql.SQL(found.relation)  # quoted by Postgres
    connection.execute(sql.SQL(_SQL[query]).format(relation=relation, trigger=sql.Identifier(found.name)))


def _drop_obsolete(connection: Connection, index: int, wanted: Sequence[Ddl], step: _Step) -> None:
    names = {(each.oid, trigger.name) for each in wanted for trigger in each.triggers}
    for found in _triggers(connection, index):
        if (found.oid, found.name) not in names:
            drop = partial(_switch, connection, "drop_trigger", found)
            _patiently(connection, drop, found.relation, step)
            step[0](f"{found.relation}: the trigger {found.name} is dropped")
    functions = {name for each in wanted for name in each.names}
    for name, _, arguments in _functions(connection, index):
        if name not in functions:
            parts = {
                "function": sql.Identifier("outbox", name),
                "arguments": sql.SQL(arguments),  # printed by Postgres
            }
            connection.execute(sql.SQL(_SQL["drop_function"]).format(**parts))


def _patiently(connection: Connection, change: Callable[[], None], relation: str, step: _Step) -> None:
    """Run `change` in a transaction that gives up its wait for a lock soon, again and again until the deadline."""
    say, deadline = step
    pause = _SHORTEST_PAUSE_S
    while True:
        try:
            with connection.transaction():
                connection.execute(_SQL["lock_timeout"])
                change()
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise TableBusy(
                    f"{relation} is locked by others all the time: see pg_stat_activity and pg_locks, "
                    "and run the command again, which goes on from here"
                ) from error
        say(f"{relation} is in use: trying again")
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
        pause = min(pause * 2, _LONGEST_PAUSE_S)


__all__ = ["Difference", "TableBusy", "Trigger", "install", "installed", "remove"]
