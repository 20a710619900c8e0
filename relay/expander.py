"""Fan-outs are expanded beside the claiming, in a thread with a connection of its own: however long one takes, it never
stops a live change.

The relay's loop says when a fan-out waits; what it became is said to the loop by a notification.
"""

from __future__ import annotations

import threading

import psycopg
import structlog

from outbox.connection import Connection, connect
from outbox.errors import PostgresUnavailable
from outbox.settings import Settings
from outbox.solr.client import Address, Solr
from outbox.sqlstate import loggable
from outbox.store import claims, targets
from relay.definitions import Definitions
from relay.enumerate import Enumerator
from relay.expand import expand

log = structlog.get_logger("relay")
_AGAIN_S = 1.0


class Expander:
    """One thread, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
        self._definitions = Definitions()
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="expander", daemon=True)

    def start(self) -> None:
        """Connect, and wait to be asked."""
        self._thread.start()

    def ask(self) -> None:
        """A fan-out waits. Raises what the thread died of, if it did."""
        if self._error is not None:
            raise self._error
        self._asked.set()

    def stop(self, patience_s: float) -> None:
        """Let it finish the chunk at hand; one that takes longer than that is rolled back when the process ends."""
        self._stopping.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._session()
            except (PostgresUnavailable, psycopg.OperationalError) as error:
                log.warning("Postgres unavailable to the expander", reason=loggable(error))
                self._stopping.wait(_AGAIN_S)
            except BaseException as error:  # the loop raises it in the main thread, where it ends the relay
                self._error = error
                raise

    def _session(self) -> None:
        with connect(self._url, application="outbox expander", autocommit=True) as connection:
            while not self._stopping.is_set():
                self._asked.wait()
                self._asked.clear()
                while not self._stopping.is_set() and self._round(connection):
                    claims.wake(connection)

    def _round(self, connection: Connection) -> bool:
        """Expand what may be expanded of every index; true if there was any progress."""
        did = False
        for survey in targets.survey(connection):
            if not survey.unexpanded or survey.paused:
                continue
            if (definition := self._definitions.of(connection, survey)) is not None:
                enumerator = Enumerator(survey.index, definition, self._solr, survey.collection)
                did = expand(connection, survey.index, definition, enumerator) or did
        return did
