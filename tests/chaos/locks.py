"""Does anybody wait for us? Sampled from pg_locks, and read in the server's log.

A writer that waits for another writer is the application's own affair. A writer that waits for any session that is not
a writer's waits because of capture: here nobody else is at work.

One lock is apart. Who NOTIFYs holds the queue of notifications for the rest of his commit, and so waits for any other
who does: the writers while the relay sleeps, by design, and workers at the end of a claim. Counted, and shown.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from outbox.sql import queries
from tests.chaos.writer import NAME

_SQL = queries("tests.chaos", "locks.sql")
EVERY_S = 0.05
_SESSIONS_EVERY = 10  # looks between two lists of the sessions
_WAITS = re.compile(r"\[(\d+)\] (.*?)(?:LOG|ERROR):\s+process \d+ (?:still waiting|acquired).*")
_NOTIFY = "on object 0 of class 1262 of database 0"
_HOLDERS = re.compile(r"\[(\d+)\] .*?DETAIL:\s+Process(?:es)? holding the locks?: ([\d, ]+)\.")


@dataclass(slots=True)
class Looks:
    """What was seen: waits of writers for others than writers, and the names of the sessions by pid."""

    looks: int = 0
    among_writers: int = 0
    notifying: int = 0
    waits: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def look(self, connection: psycopg.Connection[TupleRow]) -> None:
        """Look once."""
        self.looks += 1
        if self.looks % _SESSIONS_EVERY == 1:
            self.names |= dict(connection.execute(_SQL["sessions"]).fetchall())
        for pid, kind, relation, query, by, name, backend, blocking in connection.execute(
            _SQL["waiting"], {"writer": NAME}
        ):
            if kind == "notify":
                self.notifying += 1
            elif name == NAME:
                self.among_writers += 1
            else:
                self.waits.append(
                    f"writer {pid} waits ({kind} {relation}) for {by} {name or backend}: {query!r} behind {blocking!r}"
                )


@contextmanager
def watching(url: str) -> Iterator[Looks]:
    """Look on until the end of the block."""
    looks, ended = Looks(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(url, looks, ended), name="locks")
    watcher.start()
    try:
        yield looks
    finally:
        ended.set()
        watcher.join()


def _watch(url: str, looks: Looks, ended: threading.Event) -> None:
    while not ended.wait(EVERY_S):
        try:
            with psycopg.connect(url, application_name="chaos locks", autocommit=True, connect_timeout=5) as connection:
                while not ended.wait(EVERY_S):
                    looks.look(connection)
        except psycopg.OperationalError:
            continue  # the server is down: nobody waits for anything


def said(log: str, names: dict[int, str]) -> list[str]:
    """What the server's log says against us: deadlocks of anybody, and long waits of writers for others than writers.

    `names`: the sessions by pid. A holder that nobody knows counts as ours.
    """
    found = [line for line in log.splitlines() if "deadlock detected" in line]
    waits: dict[str, str] = {}
    for line in log.splitlines():
        if (wait := _WAITS.search(line)) and wait[2].strip().startswith(NAME) and _NOTIFY not in line:
            waits[wait[1]] = line
        if (held := _HOLDERS.search(line)) and held[1] in waits:
            holders = [names.get(int(pid), "unknown") for pid in held[2].split(",")]
            if set(holders) != {NAME}:
                found.append(f"{waits[held[1]]}; held by {', '.join(holders)}")
    return found


def tail(log: Path, offset: int) -> str:
    """The log from this byte on."""
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode("utf-8", "replace")
