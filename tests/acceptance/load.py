"""Edits under which the pipeline is watched: how long the writer's statement took, and how long the edit to Solr."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median, quantiles

import psycopg
from psycopg.rows import TupleRow

from tests.alongside import Alongside
from tests.pipeline import until

EDIT = "UPDATE catalogue.layer SET title = %(title)s WHERE id = %(layer)s RETURNING uuid::text"
# By the time, since ids of several sessions are not in the order of their events.
ARRIVED = """SELECT extract(epoch FROM min(done_at))::float8 FROM outbox.event
WHERE key = %(key)s AND lane = 'live' AND created_at > %(since)s"""


@dataclass(slots=True)
class Writer(Alongside):
    """An application that goes on editing layers 1 to `layers`, `rate` times a second, while it is entered.

    `statements`: when each began, by the monotonic clock, and the seconds that it took. Open loop: one that was slow
    does not put off the next. An error ends it, and leaves with it.
    """

    url: str
    layers: int
    rate: float
    statements: list[tuple[float, float]] = field(default_factory=list)

    def during(self, begin: float, end: float) -> list[float]:
        """The milliseconds of the statements that began in this time."""
        return [1000 * took for at, took in self.statements if begin <= at < end]

    def run(self) -> None:
        """As told above."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            self._write(connection)

    def _write(self, connection: psycopg.Connection[TupleRow]) -> None:
        choice, turn, began = random.Random(7), 0, time.monotonic()  # noqa: S311 - a choice of layers, no secret
        while not self.stop.wait(max(0.0, began + turn / self.rate - time.monotonic())):
            at = time.monotonic()
            connection.execute(EDIT, {"title": f"turn {turn}", "layer": choice.randint(1, self.layers)})
            self.statements.append((at, time.monotonic() - at))
            turn += 1


def edit(connection: psycopg.Connection[TupleRow], layer: int) -> float:
    """Edit one layer, wait until it is in Solr, and return the milliseconds from before its COMMIT to Solr's answer.

    Solr's answer: the time at which the worker marked the event done, which comes after it.
    """
    (since,) = connection.execute("SELECT clock_timestamp()").fetchone() or ("",)
    with connection.transaction():
        (key,) = connection.execute(EDIT, {"title": f"edited at {since}", "layer": layer}).fetchone() or ("",)
        at = time.time()
    found = {"key": key, "since": since}
    return 1000 * (until(lambda: _arrived(connection, found), f"the edit of layer {layer} is in Solr") - at)


def _arrived(connection: psycopg.Connection[TupleRow], edited: dict[str, object]) -> float:
    row = connection.execute(ARRIVED, edited).fetchone()
    return 0.0 if row is None or row[0] is None else float(row[0])


def edits(connection: psycopg.Connection[TupleRow], layers: Iterable[int]) -> list[float]:
    """The milliseconds of edits one after the other."""
    return [edit(connection, layer) for layer in layers]


def spread(milliseconds: list[float]) -> str:
    """How many, the median, the 95th of a hundred and the longest, in words."""
    p95 = quantiles(milliseconds, n=20)[-1]
    return f"{len(milliseconds)}: p50 {median(milliseconds):.1f} ms, p95 {p95:.1f}, longest {max(milliseconds):.1f}"
