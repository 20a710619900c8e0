"""An index and its successor, or the one that it succeeded, in the database.

The successor is an index of its own: with triggers, events, claims, a breaker and dead events of its own, so that
nothing that happens to it touches the one that serves. Its name tells what it is: `layers~next` until it takes the
place of `layers`, which then becomes `layers~old` and is kept up to date.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from outbox.connection import Connection
from outbox.errors import OutboxError
from outbox.index import Definition
from outbox.sql import queries
from outbox.store import indexes

_SQL = queries("outbox.reindex", "pair.sql")
NEXT, OLD = "~next", "~old"
PAUSE_S = 10
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Member:
    """One of the two: the ids of index and target, its collection, and its definition."""

    index: int
    target: int
    collection: str
    definition: Definition


def member(connection: Connection, name: str) -> Member | None:
    """The applied index of that name; None if there is none, or it is not wholly made."""
    found = indexes.find(connection, name)
    if found is None or found.definition is None or found.target is None or found.collection is None:
        return None
    return Member(found.id, found.target, found.collection, found.definition)


def pause(connection: Connection, ids: Sequence[int]) -> None:
    """Claim nothing for these indexes for the next seconds."""
    connection.execute(_SQL["pause"], {"ids": list(ids), "seconds": PAUSE_S})


def hold(connection: Connection, ids: Sequence[int]) -> None:
    """Claim nothing for these indexes until `go_on`."""
    connection.execute(_SQL["hold"], {"ids": list(ids)})


def go_on(connection: Connection, ids: Sequence[int]) -> None:
    """Claim for them again."""
    connection.execute(_SQL["go_on"], {"ids": list(ids)})


def in_flight(connection: Connection, ids: Sequence[int]) -> int:
    """How many claims of these indexes are in flight."""
    return int(_one(connection, "in_flight", ids=list(ids)))


def highest(connection: Connection) -> int:
    """The highest event that is visible."""
    return int(_one(connection, "highest"))


def waiting(connection: Connection, index: int, up_to: int) -> int:
    """How many events of the index, up to that one, are neither done nor dead."""
    return int(_one(connection, "waiting", index=index, up_to=up_to))


def dead_in(connection: Connection, index: int, keys: Sequence[str]) -> set[str]:
    """Those of the keys that are dead in that index."""
    return {row[0] for row in connection.execute(_SQL["dead_in"], {"index": index, "keys": list(keys)})}


def exchange(connection: Connection, *, serving: Member, successor: Member, names: tuple[str, str]) -> None:
    """The successor gets the first of the names, the one that served the second; in the caller's transaction."""
    connection.execute(_SQL["rename"], {"index": serving.index, "name": f"{names[1]}~"})
    connection.execute(_SQL["rename"], {"index": successor.index, "name": names[0]})
    connection.execute(_SQL["rename"], {"index": serving.index, "name": names[1]})


def write_to(connection: Connection, index: int, collection: str) -> None:
    """The serving target of an index is that collection from now on."""
    connection.execute(_SQL["collection"], {"index": index, "collection": collection})


def remember_swap(connection: Connection, index: int, folder: str | None) -> None:
    """The folder of the core that is about to be swapped in; None when none is."""
    connection.execute(_SQL["remember_swap"], {"index": index, "folder": folder})


def swap_begun(connection: Connection, index: int) -> str | None:
    """What `remember_swap` kept."""
    found = _one(connection, "swapped", index=index)
    return None if found is None else str(found)


def forget(connection: Connection, index: int) -> None:
    """Delete all that the outbox knows of an index whose triggers are gone, in chunks."""
    for query in ("forget_events", "forget_claims", "forget_targets", "forget_index"):
        while connection.execute(_SQL[query], {"index": index}).rowcount >= 5000:
            pass


def until(condition: Callable[[], bool], meanwhile: Callable[[], None], what: str, patience_s: float) -> None:
    """Wait for a condition in the database, doing something between two looks. OutboxError after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise OutboxError(f"not within {patience_s:.0f} s: {what}; do relay and workers run? See `outbox status`")
        meanwhile()
        time.sleep(_LOOK_S)  # the database has nothing to wake us by


def _one(connection: Connection, query: str, **parameters: object) -> Any:
    row = connection.execute(_SQL[query], parameters).fetchone()
    return None if row is None else row[0]
