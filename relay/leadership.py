"""Which of several relays works: the one that renewed the leader's row last.

It saves work, it does not protect: two relays that both believe to lead are held apart by the index row's lock.
"""

from __future__ import annotations

import os
import secrets
import socket
import time

from outbox.connection import Connection
from outbox.sql import queries

_SQL = queries("relay", "leadership.sql")
RENEW_S = 0.5
STILL_S = 1.0
"""Under the two seconds after which another may take over."""


class Leadership:
    """One relay's claim to lead; `holder` is shown by `outbox status`."""

    def __init__(self) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.leads = False
        self._renewed = float("-inf")

    def renew(self, connection: Connection) -> bool:
        """Renew, or try to take over, if half a second has passed; true while we lead."""
        if (now := time.monotonic()) - self._renewed >= RENEW_S:
            row = connection.execute(_SQL["renew"], {"holder": self.holder}).fetchone()
            self.leads = row is not None
            self._renewed = now  # from before the trip, in which we may have been frozen
        return self.leads

    def still(self, connection: Connection) -> bool:
        """Whether we lead, without a trip if we did a moment ago: for whom a change waits."""
        return (self.leads and time.monotonic() - self._renewed < STILL_S) or self.renew(connection)

    def resign(self, connection: Connection) -> None:
        """Let a standby take over at once."""
        if self.leads:
            connection.execute(_SQL["resign"], {"holder": self.holder})
            self.leads = False
