"""The documents of a claim, out of the view: one statement in one snapshot, streamed in batches of a few megabytes.

Each batch is posted before the next is read, so that a claim of large documents needs no more memory than one of small.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

import psycopg

from outbox import plans
from outbox.connection import Connection
from outbox.errors import IndexRefused, LeaseLost, PostgresUnavailable
from outbox.index import Definition
from outbox.sqlstate import LOST, first_line, is_of_the_data, is_suspicious
from outbox.store import claims
from outbox.store.claims import Begun
from outbox.worker.documents import PIECE_BYTES, Row

MANY = 50
"""Keys, of which to plan the read costs little beside it."""


@dataclass(slots=True)
class Reading:
    """One claim's way out of the view.

    `until`: the claim's deadline by the monotonic clock. `refused` collects the keys whose row Postgres cannot compute,
    with its words. `given`: the keys whose rows were given so far.
    """

    connection: Connection
    definition: Definition
    claim: Begun
    until: float
    refused: dict[str, str] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)

    def batches(self) -> Generator[list[Row], None, None]:
        """Every row of the claim.

        A row that makes the statement fail is found by reading the keys that are left one by one, each in a snapshot of
        its own: none of them has been given yet. Raises LeaseLost when the claim is no longer in flight, IndexRefused
        when the view is not what was applied, PostgresUnavailable when the time is over, and Postgres' own errors where
        a document may have caused them.
        """
        try:
            yield from self._batches(None)
        except psycopg.Error as error:
            if not is_of_the_data(error):
                raise _view_error(self.definition, error) from error
            yield from self._one_by_one()
        if not self.given and not self.refused:
            raise LeaseLost(f"claim {self.claim.number}")

    def _batches(self, only: list[str] | None) -> Iterator[list[Row]]:
        batch: list[Row] = []
        size = 0
        with self.connection.cursor() as cursor:  # one statement, and so one snapshot, without a transaction around it
            # Closed before anything else is done with the connection. It is a generator.
            stream = cursor.stream(*self._statement(only))
            with closing(cast(Generator[Row, None, None], stream)) as rows:
                for key, document, content_hash in rows:
                    batch.append((key, document, content_hash))
                    size += len(document or "")
                    if size >= PIECE_BYTES:
                        yield self._give(batch)
                        batch, size = [], 0
        if batch:
            yield self._give(batch)

    def _statement(self, only: list[str] | None) -> plans.Statement:
        """As it is for many keys, or one by one: what a kept one gives, Postgres collects before it sends."""
        parameters = {"number": self.claim.number, "only": only}
        if only is not None or self.claim.keys > MANY:
            return self.definition.read.encode(), parameters
        return plans.kept(self.connection, self.definition.read, parameters)

    def _give(self, batch: list[Row]) -> list[Row]:
        """These rows, without keys that were given before: one of their rows is in Solr by now."""
        again = self.given & {row[0] for row in batch}
        self.refused |= dict.fromkeys(again, "the view returns several rows for this key")
        self.given |= {row[0] for row in batch}
        return [row for row in batch if row[0] not in again]

    def _one_by_one(self) -> Iterator[list[Row]]:
        for key in claims.keys(self.connection, self.claim.number):
            if key in self.given:
                continue
            if time.monotonic() > self.until:
                raise PostgresUnavailable(f"{self.definition.view} is read too slowly: the claim's time is over")
            try:
                yield from self._batches([key])
            except psycopg.Error as error:
                if not is_of_the_data(error):
                    raise _view_error(self.definition, error) from error
                self.refused[key] = f"Postgres: {first_line(error)}"


def _view_error(definition: Definition, error: psycopg.Error) -> Exception:
    if isinstance(error, LOST) or is_suspicious(error):
        return error
    return IndexRefused(
        f"the view {definition.view} cannot be read: {first_line(error)}; "
        "was it or a table altered? Run `outbox plan`, then `outbox apply`"
    )
