"""`outbox wait`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from outbox.apply import solr_of
from outbox.cli.render import note
from outbox.cli.session import Session
from outbox.connection import Connection
from outbox.errors import OutboxError
from outbox.store import events, indexes

_LOOK_S = (0.02, 0.5)
_SELDOM = 5  # times as long as a look takes
_DEAD = 4


@click.command()
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), metavar="S", help="Seconds; default: no limit.")
@click.option("--searchable", is_flag=True, help="Also commit in Solr, so that searches see them.")
@click.pass_obj
def wait(session: Session, timeout_s: float | None, searchable: bool) -> None:
    """Wait until every event that is visible now, and all that it expands to, is done or dead.

    Exits with 1 when the time is over, with 4 when one of them is dead, also if it died before: it may have been
    quicker than this command.
    """
    with session.database() as connection:
        wait_for(session, connection, timeout_s=timeout_s, searchable=searchable)


def wait_for(
    session: Session,
    connection: Connection,
    *,
    timeout_s: float | None,
    searchable: bool,
    watch: Callable[[int], None] = lambda _: None,
    dead_ends: bool = True,
) -> None:
    """Wait as the command does, and leave the process with 4 if an event is dead, unless `dead_ends` is false.

    `watch` is told, again and again, how many events are neither done nor dead.
    """
    for name in indexes.detached(connection):
        note(f"{name} is detached: its events wait until `outbox apply`, and not here")
    up_to = events.highest(connection)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    _drain(connection, up_to, deadline, timeout_s, watch)
    if searchable:
        _commit(session, connection)
    died = events.dead_among(connection, up_to)
    if died and dead_ends:
        note(f"{died} of the events are dead: see `outbox dead list`")
        sys.exit(_DEAD)


def _drain(
    connection: Connection, up_to: int, deadline: float | None, timeout_s: float | None, watch: Callable[[int], None]
) -> None:
    pause, at = _LOOK_S[0], time.monotonic()
    while left := events.unfinished(connection, up_to):
        took_s = time.monotonic() - at
        watch(left)
        if deadline is not None and time.monotonic() > deadline:
            raise OutboxError(
                f"{left} events still wait after {timeout_s:g} s: see `outbox status`; do relay and workers run?"
            )
        # The condition is in the database, which has nothing to wake us by; to count a million takes it a while.
        time.sleep(max(pause, _SELDOM * took_s))
        pause, at = min(pause * 1.5, _LOOK_S[1]), time.monotonic()
    watch(0)


def _commit(session: Session, connection: Connection) -> None:
    solr = solr_of(session.settings)
    for name in indexes.names(connection):
        applied, _ = indexes.demand(connection, name)
        if applied.collection:
            solr.commit(applied.collection)
