"""A Solr that lacks what was written to it: how it is known, and how it is mended. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from outbox.connection import Connection
from outbox.sql import queries
from outbox.store import events

_SQL = queries("outbox.store", "rewinds.sql")
_AGES = [timedelta(seconds=15 * 2**power) for power in range(17)]  # 15 s to 11 days
LAST = 20
"""Claims that were done last, of which each is looked at."""
OLDEST = 5
"""The claims that were done first, as far as they are not pruned: of documents that are seldom edited."""


class Place(Protocol):
    """Where the documents of a target go: what a `Survey` and a begun claim have in common."""

    @property
    def index(self) -> int:
        """The index's id."""

    @property
    def target(self) -> int:
        """The target's id."""

    @property
    def queue(self) -> int:
        """The value of `event.target` of the events that go to it."""

    @property
    def collection(self) -> str:
        """The collection that it is written to."""


def busy(connection: Connection, place: Place) -> bool:
    """Whether a replay is under way: what it writes need not be looked for."""
    return _bool(connection, "busy", index=place.index, queue=place.queue)


def witnesses(connection: Connection, target: int) -> list[tuple[int, list[str]]]:
    """Claims that are done, from the oldest, with some keys: Solr has each of them under that number, or a higher one.

    Those that were done last, those that were done last 15 seconds, 30 seconds, a minute … eleven days ago, and the
    oldest.
    """
    parameters = {"target": target, "ages": _AGES, "last": LAST, "oldest": OLDEST}
    found = connection.execute(_SQL["witnesses"], parameters)
    return [(int(number), list(keys)) for number, keys in found]


def answered(connection: Connection, target: int) -> int:
    """The newest claim whose lack was answered already; 0 if none was."""
    row = connection.execute(_SQL["answered"], {"target": target}).fetchone()
    return int(row[0]) if row else 0


def on_their_way(connection: Connection, place: Place, keys: Sequence[str]) -> set[str]:
    """Those of the keys that are about to be written."""
    parameters = {"index": place.index, "queue": place.queue, "target": place.target, "keys": list(keys)}
    return {row[0] for row in connection.execute(_SQL["on_their_way"], parameters)}


def still(connection: Connection, place: Place) -> bool:
    """Whether the target is written to in that collection, and not paused."""
    parameters = {"target": place.target, "collection": place.collection}
    return connection.execute(_SQL["still"], parameters).fetchone() is not None


def mend(
    connection: Connection, place: Place, *, newest: int, intact: int | None
) -> tuple[datetime | None, int | None]:
    """Enqueue what a Solr lacks that has what the claim `intact` wrote and lacks `newest`, and remember it.

    Returns since when, and how many documents; None and None for all documents, where there is no such claim or the
    ledger does not reach so far back.
    """
    row = connection.execute(_SQL["since"], {"target": place.target, "intact": intact}).fetchone()
    since: datetime | None = row[0] if row else None
    documents: int | None = None
    if since is None:
        events.replay_all(connection, place.index)
    else:
        parameters = {"index": place.index, "queue": place.queue, "target": place.target, "since": since}
        documents = connection.execute(_SQL["replay_since"], parameters).rowcount
    found = {"target": place.target, "newest": newest, "since": since, "documents": documents}
    connection.execute(_SQL["remember"], found)
    return since, documents


def _bool(connection: Connection, query: str, **parameters: object) -> bool:
    row = connection.execute(_SQL[query], parameters).fetchone()
    return bool(row and row[0])
