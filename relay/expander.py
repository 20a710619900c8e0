"""Fan-outs are expanded beside the claiming: however long one takes, it never stops a live change.

The relay's loop says when a fan-out waits; what it became is said to the loop by a notification.
"""

from __future__ import annotations

from outbox.connection import Connection
from outbox.settings import Settings
from outbox.solr.client import READ_TIMEOUT_S, Address, Solr
from outbox.store import claims, targets
from relay.beside import Beside
from relay.definitions import Definitions
from relay.enumerate import Enumerator
from relay.expand import expand


class Expander:
    """What expands; its thread runs from `beside.start` to `beside.stop`, and is asked when a fan-out waits."""

    def __init__(self, settings: Settings) -> None:
        self._solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
        self._definitions = Definitions(silent=True)
        # Solr is listed inside a transaction, and may take as long as its time-out.
        self.beside = Beside(settings.database_url, "expander", self._work, pause_s=round(READ_TIMEOUT_S) + 5)

    def _work(self, connection: Connection) -> None:
        while not self.beside.stopping and self._round(connection):
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
