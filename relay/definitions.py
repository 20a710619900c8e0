"""The applied definitions, kept as long as they are the applied ones."""

from __future__ import annotations

from datetime import datetime

import structlog

from outbox.connection import Connection
from outbox.errors import IndexRefused
from outbox.index import Definition
from outbox.store import targets
from outbox.store.targets import Survey

log = structlog.get_logger("relay")


class Definitions:
    """What `apply` wrote for each index. Not to be shared between threads.

    `silent`: what cannot be read is said by another one, the loop's.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._known: dict[int, tuple[datetime, Definition | None]] = {}

    def of(self, connection: Connection, survey: Survey) -> Definition | None:
        """The definition of a target's index; None if another version of this program wrote it, which is said once."""
        known = self._known.get(survey.index)
        if known is not None and known[0] == survey.applied_at:
            return known[1]
        try:
            found = targets.definition(connection, survey.index)
        except IndexRefused as error:
            if not self._silent:
                log.error("index left alone", index=survey.name, reason=str(error))
            found = None
        self._known[survey.index] = (survey.applied_at, found)
        return found
