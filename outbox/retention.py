"""Retention: done events, ended claims and tombstones go when they are old, by the relay's pruner or `outbox prune`.

Dead and waiting events stay for ever. Events stay an hour at least, since the enumeration after a TRUNCATE needs every
key that was named lately; claims and tombstones stay a day at least, whatever the setting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from outbox.connection import Connection
from outbox.index import Definition
from outbox.solr import collections, tombstones
from outbox.solr.client import Solr
from outbox.store import indexes, retention
from outbox.store.retention import Chunk
from outbox.store.targets import Survey

EVENTS = 5000
"""Events that are looked at in one transaction: some 20 ms, if all of them go."""
CLAIMS = 500
"""Claims that are looked at in one transaction: each has up to 500 keys and 2,000 events, mostly out of line."""
CLAIMS_STAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Removed:
    """What one transaction removed."""

    events: int = 0
    claims: int = 0


def ledger(connection: Connection, keep: timedelta, *, claims: timedelta | None = None) -> Iterator[Removed]:
    """Prune events that are older than `keep`, and claims, one short transaction for each step of the iteration.

    `claims`: how long those stay, where it is not `claims_stay` that says it.
    """
    for deleted in _chunks(partial(retention.prune_events, connection, most=EVENTS, keep=keep)):
        yield Removed(events=deleted)
    claims = claims_stay(keep) if claims is None else claims
    for deleted in _chunks(partial(retention.prune_claims, connection, most=CLAIMS, keep=claims)):
        yield Removed(claims=deleted)


def claims_stay(keep: timedelta) -> timedelta:
    """How long claims and tombstones stay: they say which tombstones may go, and what was indexed since."""
    return max(keep, CLAIMS_STAY)


def purge(connection: Connection, solr: Solr, survey: Survey, definition: Definition, keep: timedelta) -> int:
    """Purge the old tombstones of one target; how many there were.

    Only where we write tombstones. Raises CollectionRefused where another database has stamped the collection, and it
    is not adopted.
    Raises SolrUnavailable or IndexRefused when Solr does not do it.
    """
    own = definition.target.own_fields
    if definition.target.deletes != "tombstone" or not own.version or not own.deleted:
        return 0
    to = retention.purgeable(connection, survey.target, keep=claims_stay(keep))
    if to is None:
        return 0
    if not definition.target.adopt:
        collections.refuse_others(solr, survey.collection, indexes.owner(connection, survey.name))
    return tombstones.purge(solr, survey.collection, definition.target, to=to)


def _chunks(prune: Callable[..., Chunk]) -> Iterator[int]:
    """How many each chunk deleted, from the low end up to where nothing is old."""
    after: int | None = 0
    while after is not None:
        chunk = prune(after=after)
        yield chunk.deleted
        after = chunk.after
