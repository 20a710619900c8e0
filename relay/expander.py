"""Fan-outs are expanded beside the claiming: however long one takes, it never stops a live change.

The relay's loop says when a fan-out waits; what it became is said to the loop by a notification.
"""

from __future__ import annotations

import time

from outbox.connection import Connection
from outbox.settings import Settings
from outbox.solr.client import READ_TIMEOUT_S, Address, Solr
from outbox.store import claims, targets
from outbox.store.targets import Survey
from relay.beside import Beside
from relay.definitions import Definitions
from relay.enumerate import Enumerator
from relay.expand import Backlog, expand

PAUSE_S = 0.3
"""Between two looks at fan-outs that wait for the workers; no Solr takes the 5,000 keys that are ahead in that time."""
AGAIN_S = PAUSE_S + 0.05
"""After which it is to be asked again, if nothing else comes."""


class Expander:
    """What expands; its thread runs from `beside.start` to `beside.stop`, and is asked when a fan-out waits."""

    def __init__(self, settings: Settings) -> None:
        self._solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
        self._definitions = Definitions(silent=True)
        self._waiting: dict[int, tuple[int | None, float]] = {}
        self._backlogs: dict[int, Backlog] = {}
        # Solr is listed inside a transaction, and may take as long as its time-out.
        self.beside = Beside(settings.database_url, "expander", self._work, pause_s=round(READ_TIMEOUT_S) + 5)

    def ask(self, survey: Survey) -> None:
        """Have what waits expanded; not what was just found to wait for the workers, unless something came since."""
        if not self._waits(survey):
            self.beside.ask()

    def _waits(self, survey: Survey) -> bool:
        """Whether the last look at the same fan-outs, a moment ago, found nothing to do."""
        newest, until = self._waiting.get(survey.index, (None, 0.0))
        return newest == survey.newest_fanout and time.monotonic() < until

    def _work(self, connection: Connection) -> None:
        while not self.beside.stopping and self._round(connection):
            claims.wake(connection)

    def _round(self, connection: Connection) -> bool:
        """Expand what may be expanded of every index; true if there was any progress."""
        did = False
        for survey in targets.survey(connection):
            if not survey.unexpanded or survey.paused or self._waits(survey):
                continue
            if (definition := self._definitions.of(connection, survey)) is not None:
                enumerator = Enumerator(survey.index, definition, self._solr, survey.collection)
                backlog = self._backlogs.setdefault(survey.index, Backlog(survey.index))
                progress = expand(connection, definition, enumerator, backlog)
                pause_s = 0.0 if progress else PAUSE_S
                self._waiting[survey.index] = (survey.newest_fanout, time.monotonic() + pause_s)
                did = progress or did
        return did
