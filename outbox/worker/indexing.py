"""One claim, from begin to finish: begin once, read in one snapshot, post, finish.

Nothing here trusts that it runs alone or in time: begin succeeds once for each number, the read returns nothing when
the claim has ended, and finish marks nothing then. A worker that is killed, frozen or late therefore changes nothing
but documents whose version Solr compares.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog
from sqlalchemy import Engine

from outbox import rewound
from outbox.connection import Connection
from outbox.errors import (
    DocumentRejected,
    IndexRefused,
    LeaseLost,
    NotApplied,
    PostgresUnavailable,
    ServiceUnavailable,
)
from outbox.index import Definition, Target
from outbox.solr.client import Solr
from outbox.sqlstate import LOST, first_line, is_suspicious, loggable
from outbox.store import claims, suspects, targets
from outbox.store.claims import Begun, Lane, Outcome
from outbox.worker.documents import Document, Row, assemble
from outbox.worker.posting import Posting, SolrBusy
from outbox.worker.reading import Reading
from outbox.worker.stopwatch import Stopwatch

log = structlog.get_logger("worker")
_NO_MEMORY = "the worker has no memory for its documents"
DEADLINE_S = 30.0  # for the whole claim, under Celery's soft limit of 40 s: what is late gives its claim back


@dataclass(slots=True)
class Indexer:
    """What one worker process needs: a pool of one connection, one Solr client, and the definitions it has read."""

    engine: Engine
    solr: Solr
    definitions: dict[tuple[int, datetime], Definition]

    def index(self, number: int, *, worker: str, redelivered: bool = False) -> None:
        """Index one claim.

        Returns when the claim is finished, or was none of ours. Raises ServiceUnavailable or IndexRefused after giving
        the claim back, DocumentRejected after finishing it with dead events: so that the task fails where it is seen.
        """
        try:
            with self._begun(number, worker) as (connection, claim):
                self._index(connection, claim, number, redelivered)
        except LOST as error:
            raise PostgresUnavailable(f"claim {number}: Postgres: {first_line(error)}") from error

    @contextmanager
    def _begun(self, number: int, worker: str) -> Iterator[tuple[Connection, Begun | None]]:
        """A connection, and the claim, begun on it.

        A connection that was closed while it was idle is replaced, once. To ask beforehand whether it stands would keep
        each claim waiting for one more answer. A claim begins once: what the second try finds begun, the first has most
        likely begun before its answer was lost, so that nobody works on it.
        """
        with self._connection() as connection:
            try:
                claim = claims.begin(connection, number, worker=worker)
            except LOST:
                if not connection.broken:
                    raise
            else:
                yield connection, claim
                return
        with self._connection() as connection:
            claim = claims.begin(connection, number, worker=worker)
            if claim is None:
                end_lost(connection, number, Outcome.LOST, "whether it was begun was not answered")
            yield connection, claim

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        pooled = self.engine.raw_connection()
        connection = pooled.dbapi_connection
        assert isinstance(connection, psycopg.Connection)  # noqa: S101 - SQLAlchemy types it as any DBAPI connection
        try:
            yield connection
        finally:
            if connection.broken:
                pooled.invalidate()
            else:
                pooled.close()  # back to the pool

    def _index(self, connection: Connection, claim: Begun | None, number: int, redelivered: bool) -> None:
        if claim is None:
            if redelivered:
                end_lost(connection, number, Outcome.REDELIVERED, "delivered again after it was begun")
            log.info("claim not begun", claim=number, redelivered=redelivered)
            return
        try:
            self._run(connection, claim)
        except LeaseLost:
            log.warning("claim ended elsewhere", claim=number)
        except (ServiceUnavailable, IndexRefused, NotApplied) as error:
            self._give_back(connection, claim, error)
            raise
        except psycopg.Error as error:
            if not connection.broken:  # else the claim ends with its lease, or with the server's next start
                self._give_back(connection, claim, error)
            raise
        except MemoryError as error:  # passed on as it is, it would end the whole worker
            end_lost(connection, number, Outcome.LOST, _NO_MEMORY)
            raise ServiceUnavailable(f"claim {number}: {_NO_MEMORY}") from error

    def _run(self, connection: Connection, claim: Begun) -> None:
        definition = self._definition(connection, claim)
        if claim.lane is not Lane.LIVE:
            claims.wake(connection)  # of bulk claims one waits at the most: the next may be made now
        if claim.failing:  # Solr was away: is it the one that it was?
            rewound.look(connection, self.solr, claim, definition)
        until = time.monotonic() + DEADLINE_S
        reading = Reading(connection, definition, claim, until)
        posting = Posting(self.solr, claim.collection, definition.target.commit_within_ms, until)
        clock = Stopwatch()
        with closing(
            reading.batches()
        ) as batches:  # its snapshot ends before anything else is done with the connection
            for rows in clock.timed("read", batches):
                documents = _assembled(rows, claim, definition.target, posting)
                with clock.running("post"):
                    posting.post(documents)
        bad = {**posting.refused, **reading.refused}
        with clock.running("finish"):
            self._finish(connection, claim, bad)
        log.info(
            "indexed",
            index=definition.name,
            claim=claim.number,
            lane=claim.lane.value,
            documents=len(reading.given),
            dead=len(bad),
            **clock.milliseconds(),
        )
        if bad:
            key, reason = next(iter(bad.items()))
            raise DocumentRejected(f"claim {claim.number}: {len(bad)} of {claim.keys} refused; {key}: {reason}")

    def _finish(self, connection: Connection, claim: Begun, bad: dict[str, str]) -> None:
        if not claims.finish(connection, claim, bad=bad, back=[]):
            raise LeaseLost(f"claim {claim.number}")
        if claim.failing:
            targets.recover(connection, claim.target, claim.keys)
        claims.wake(connection)  # last: the relay, woken, finds the breaker closed

    def _definition(self, connection: Connection, claim: Begun) -> Definition:
        cached = self.definitions.get((claim.index, claim.applied_at))
        if cached is not None:
            return cached
        found = targets.definition(connection, claim.index)
        if found is None:
            raise NotApplied(f"index {claim.index} is not applied: run `outbox apply`")
        self.definitions.clear()
        self.definitions[(claim.index, claim.applied_at)] = found
        return found

    def _give_back(self, connection: Connection, claim: Begun, error: Exception) -> None:
        retry_after = error.retry_after if isinstance(error, SolrBusy) else timedelta(0)
        targets.trip(connection, claim.target, str(error), retry_after, number=claim.number)
        with connection.transaction():
            ended = claims.end(connection, claim.number, Outcome.GIVEN_BACK, str(error))
            if ended and _suspicious(error):
                suspects.mark(connection, [claim.number])
        claims.wake(connection)
        log.warning("claim given back", claim=claim.number, reason=_loggable(error))


def end_lost(connection: Connection, number: int, outcome: Outcome, reason: str) -> bool:
    """End a claim that somebody began and will never finish; its keys are suspects. False if it has ended already."""
    with connection.transaction():
        ended = claims.end(connection, number, outcome, reason)
        if ended:
            suspects.mark(connection, [number])
    if ended:
        claims.wake(connection)
    return ended


def _loggable(error: Exception) -> str:
    """Of a server's words, those that repeat no value of a document: a 500 may."""
    if isinstance(error, SolrBusy) and error.suspicious:
        return str(error).partition(":")[0]
    cause = error.__cause__
    if isinstance(cause, psycopg.Error) and loggable(cause) != first_line(cause):
        return loggable(cause)
    return loggable(error)


def _suspicious(error: Exception) -> bool:
    """Whether a document may have caused it; the error of Postgres may stand behind ours."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(error, SolrBusy):
        return error.suspicious
    return isinstance(cause, psycopg.Error) and is_suspicious(cause)


def _assembled(rows: list[Row], claim: Begun, target: Target, posting: Posting) -> list[Document]:
    """The documents of these rows; what cannot be one is refused already."""
    tombstones = target.deletes == "tombstone"
    documents, refused = assemble(rows, version=claim.number, own=target.own_fields, tombstones=tombstones)
    posting.refused |= refused
    return documents
