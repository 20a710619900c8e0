"""Ten writers of the catalogue, each statement timed: what an application is to us while `apply` and `detach` run."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import TupleRow

from outbox.sql import queries

SQL = queries("tests.acceptance", "writers.sql")
WRITERS = 10
DAWDLING_S = 3.0
_EDITS = ("title", "category", "person", "keyword", "region", "link", "unlink", "lie")


@dataclass(slots=True)
class Times:
    """What the writers met with: seconds of each statement and commit, and errors."""

    seconds: list[float] = field(default_factory=list)
    transactions: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """Seconds."""
        return max(self.seconds)


def prepare(url: str) -> None:
    """Rows of each writer's own."""
    with psycopg.connect(url) as connection:
        for writer in range(WRITERS):
            connection.execute(SQL["own"], {"own": _own(writer)})


def _own(writer: int) -> int:
    return 1_000_000 * (writer + 1)


@contextmanager
def dawdling(url: str) -> Iterator[None]:
    """A transaction that holds the layers for three seconds: whoever waits for it makes all others wait as well."""
    with psycopg.connect(url) as connection:
        connection.execute(SQL["title"], {"own": _own(0) + 9, "turn": 0})
        end = threading.Timer(DAWDLING_S, connection.commit)
        end.start()
        yield
        end.join()


@contextmanager
def writing(url: str) -> Iterator[Times]:
    """Ten writers at work until the end of the block."""
    times, ended = Times(), threading.Event()
    threads = [threading.Thread(target=_write, args=(url, writer, times, ended)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield times
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _write(url: str, writer: int, times: Times, ended: threading.Event) -> None:
    order = random.Random(writer)  # noqa: S311 - a load, no secret
    with psycopg.connect(url) as connection:
        turn = 0
        while not ended.is_set():
            turn += 1
            edits = order.sample(_EDITS, 5)
            try:
                for edit in edits:
                    _timed(connection, edit, {"own": _own(writer), "turn": turn}, times)
                _timed(connection, "", {}, times)
            except psycopg.Error as error:
                times.errors.append(f"writer {writer}, {edits}: {error}")
                return
            times.transactions += 1


def _timed(connection: psycopg.Connection[TupleRow], edit: str, parameters: Mapping[str, int], times: Times) -> None:
    begin = time.monotonic()
    if edit:
        connection.execute(SQL[edit], parameters)
    else:
        connection.commit()
    times.seconds.append(time.monotonic() - begin)
