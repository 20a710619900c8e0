"""A relay that only sleeps and looks, with a poll that is an hour away: nothing but the protocol finds an event."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg.rows import TupleRow

from outbox.connection import Connection, connect
from relay import wakeup
from relay.wakeup import Wakeup
from tests.integration.hand_made import SQL
from tests.pipeline import until

HOUR_S = 3600.0
SOON_S = 2.0
NAME = "sleeper"
ASLEEP = "state = 'idle' AND query LIKE '-- take_all%' AND state_change < clock_timestamp() - interval '{} ms'"


@dataclass
class Sleeper:
    """A relay that only sleeps and looks, in a thread; `found` has the time at which each key was seen."""

    connection: Connection
    watcher: psycopg.Connection[TupleRow]
    found: dict[str, float] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Rest until told to stop; an error ends the test through the pool."""
        resting = Wakeup(
            self.connection,
            self._scan,
            lambda: False,
            lambda: not self.stop.is_set(),
            HOUR_S,
            lambda: HOUR_S,
            lambda: True,
        )
        while not self.stop.is_set():
            if not self._scan():
                resting.rest()

    def _scan(self) -> bool:
        rows = self.connection.execute(SQL["take_all"]).fetchall()
        self.found.update({row[0]: time.monotonic() for row in rows})
        return bool(rows)

    def sees(self, key: str) -> None:
        """Wait until the key was found; fail after two seconds."""
        until(lambda: key in self.found, f"{key} is found", SOON_S)

    def does(self, condition: str, patience_s: float = 10) -> None:
        """Wait until its session in pg_stat_activity is so."""
        query = b"SELECT FROM pg_stat_activity WHERE application_name = 'sleeper' AND " + condition.encode()
        until(lambda: self.watcher.execute(query).fetchall(), condition, patience_s)

    def is_draining(self) -> None:
        """Wait until it looks for older transactions."""
        self.does("query LIKE '-- oldest_running%'")

    def is_asleep(self) -> None:
        """Wait until it says so, and until it waits for nothing but a notification."""
        self.does("(SELECT asleep_until > clock_timestamp() FROM outbox.relay)")
        self.does(
            "state = 'idle' AND query LIKE '-- take_all%' AND state_change < clock_timestamp() - interval '20 ms'"
        )


@contextmanager
def sleeping(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sleeper]:
    """One that runs; it lingers only a moment, so that it falls asleep often."""
    monkeypatch.setattr(wakeup, "LINGER_S", 0.01)
    monkeypatch.setattr(wakeup, "RENEW_S", HOUR_S)
    with (
        connect(database_url, application=NAME, autocommit=True) as connection,
        psycopg.connect(database_url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        found = Sleeper(connection, watcher)
        running = pool.submit(found.run)
        try:
            yield found
        finally:
            found.stop.set()
            running.result(timeout=10)
