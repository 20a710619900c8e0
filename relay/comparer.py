"""Each minute: has Solr what the ledger says? While Solr is away the workers' probes look for it, before they write."""

from __future__ import annotations

import time

import psycopg
import structlog

from outbox import rewound
from outbox.connection import Connection
from outbox.errors import IndexRefused, SolrUnavailable
from outbox.index import Definition
from outbox.settings import Settings
from outbox.solr.client import Address, Solr
from outbox.sqlstate import loggable
from outbox.store import targets
from outbox.store.targets import Survey
from relay.beside import Beside
from relay.definitions import Definitions

log = structlog.get_logger("relay")
EVERY_S = 60.0


class Comparer:
    """What compares; its thread runs from `beside.start` to `beside.stop`, and is asked by the relay that leads."""

    def __init__(self, settings: Settings) -> None:
        self._solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
        self._definitions = Definitions(silent=True)
        self._next = float("-inf")
        self.beside = Beside(settings.database_url, "comparer", self._work)

    def soon(self) -> None:
        """Look at the next opportunity: whoever led before may not have."""
        self._next = float("-inf")

    def due(self) -> bool:
        """True once a minute."""
        return time.monotonic() >= self._next

    def _work(self, connection: Connection) -> None:
        if not self.due():
            return
        self._next = time.monotonic() + EVERY_S
        for survey in targets.survey(connection):
            if self.beside.stopping or survey.paused or survey.failing or survey.unchecked:
                continue
            definition = self._definitions.of(connection, survey)
            if definition is not None:
                self._guarded(connection, survey, definition)

    def _guarded(self, connection: Connection, survey: Survey, definition: Definition) -> None:
        try:
            rewound.look(connection, self._solr, survey, definition)
        except (SolrUnavailable, IndexRefused) as error:
            log.info("not compared with the ledger", index=survey.name, reason=str(error))  # claims will find it too
        except psycopg.Error as error:
            if connection.broken:
                raise
            log.error("not compared with the ledger", index=survey.name, reason=loggable(error))
