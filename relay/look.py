"""The look each minute: does what `apply` made still stand, and has anything changed that no trigger sees?

What it finds stands in `outbox.index.notices`, which `outbox status` shows, and once in the log, until it is mended. A
look costs some milliseconds for each index (7 to 10 with six tables), and waits for no lock.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import psycopg
import structlog

from outbox import watch
from outbox.connection import Connection
from outbox.index import Definition
from outbox.sqlstate import loggable
from outbox.store import indexes
from outbox.store.targets import Survey

log = structlog.get_logger("relay")
EVERY_S = 60.0


class Look:
    """When the next look is due, and how it is done."""

    def __init__(self) -> None:
        self._next = float("-inf")

    def soon(self) -> None:
        """Look at the next opportunity: whoever led before may have missed something."""
        self._next = float("-inf")

    def due(self) -> bool:
        """True once a minute."""
        return time.monotonic() >= self._next

    def at_all(self, connection: Connection, found: Iterable[tuple[Survey, Definition]]) -> None:
        """Look at every index that is claimed for; one that cannot be looked at holds up no other."""
        self._next = time.monotonic() + EVERY_S
        for survey, definition in found:
            if survey.serving:
                _guarded(connection, survey, definition)


def _guarded(connection: Connection, survey: Survey, definition: Definition) -> None:
    try:
        look_at(connection, survey, definition)
    except psycopg.Error as error:
        if connection.broken:
            raise
        log.info("not looked at", index=survey.name, reason=loggable(error))  # a lock, mostly: in a minute again


def look_at(connection: Connection, survey: Survey, definition: Definition) -> None:
    """One index: what differs now is kept, what is new is logged."""
    before, said = indexes.noticed(connection, survey.index)
    with connection.transaction():
        seen = watch.look(connection, survey.index, definition, before)
    if seen.notices == said:
        return
    for notice in seen.notices:
        if notice not in said:
            log.warning("changed beneath", index=survey.name, notice=notice)
    if not seen.notices:
        log.info("mended", index=survey.name)
    indexes.notice(
        connection,
        survey.index,
        seen.notices,
        view_changed=seen.view_changed,
        applied_at=survey.applied_at,
    )
