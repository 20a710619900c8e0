"""Retention, by itself: what is old is pruned beside the claiming, a chunk at a time.

After each chunk it rests as long as the chunk took, after each pass twenty times as long as the pass took, a minute at
least: so it has at most half of a core while there is something to prune, and next to nothing else. Tombstones are
purged once an hour. What fails is tried again at the next pass, and stops nothing.
"""

from __future__ import annotations

import time
from datetime import timedelta

import psycopg
import structlog

from outbox import retention
from outbox.connection import Connection
from outbox.errors import CollectionRefused, IndexRefused, SolrUnavailable
from outbox.settings import Settings
from outbox.solr.client import Address, Solr
from outbox.sqlstate import loggable
from outbox.store import targets
from relay.beside import Beside
from relay.definitions import Definitions

log = structlog.get_logger("relay")
EVERY_S = 60.0
REST = 20.0  # times as long as the pass took
TOMBSTONES_EVERY_S = 3600.0
_CHUNK_REST_S = 0.05


class Pruner:
    """What prunes; its thread runs from `beside.start` to `beside.stop`, and is asked by the relay that leads."""

    def __init__(self, settings: Settings) -> None:
        self._keep: timedelta = settings.relay.retention
        self._solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
        self._definitions = Definitions(silent=True)
        self._next = float("-inf")
        self._next_purge = float("-inf")
        self.beside = Beside(settings.database_url, "pruner", self._work)

    def due(self) -> bool:
        """True when the rest after the last pass is over."""
        return time.monotonic() >= self._next

    def _work(self, connection: Connection) -> None:
        if not self.due():
            return
        began = time.monotonic()
        self._next = began + EVERY_S  # also where the pass fails
        try:
            worked_s = self._ledger(connection)
            self._next = time.monotonic() + max(EVERY_S, REST * worked_s)
            if time.monotonic() >= self._next_purge:
                self._next_purge = time.monotonic() + TOMBSTONES_EVERY_S
                self._purge(connection)
        except psycopg.Error as error:
            if connection.broken:
                raise
            log.error("not pruned", reason=loggable(error))  # no right to delete, mostly

    def _ledger(self, connection: Connection) -> float:
        """One pass over events and claims; the seconds that it worked."""
        events = claims = 0
        worked_s, at = 0.0, time.monotonic()
        for removed in retention.ledger(connection, self._keep):
            took_s = time.monotonic() - at
            worked_s += took_s
            events += removed.events
            claims += removed.claims
            if self.beside.stopping:
                break
            self.beside.rest(max(_CHUNK_REST_S, took_s))
            at = time.monotonic()
        if events or claims:
            log.info("pruned", events=events, claims=claims, worked_ms=round(1000 * worked_s))
        return worked_s

    def _purge(self, connection: Connection) -> None:
        for survey in targets.survey(connection):
            if self.beside.stopping or (definition := self._definitions.of(connection, survey)) is None:
                continue
            try:
                purged = retention.purge(connection, self._solr, survey, definition, self._keep)
            except (SolrUnavailable, IndexRefused, CollectionRefused) as error:
                log.warning("tombstones not purged", index=survey.name, reason=str(error))
                continue
            if purged:
                log.info("tombstones purged", index=survey.name, tombstones=purged)
