"""Suspects: keys whose claim was begun and never ended, or ended in an answer that a document may have caused.

They are left out of normal claims and tried in ever smaller ones, one at a time, until the guilty one is alone, and
dead. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from outbox.connection import Connection
from outbox.sql import queries
from outbox.store.claims import WINDOW, Claim, Lane

_SQL = queries("outbox.store", "suspects.sql")
ALONE = 3
"""The level from which on a key is claimed alone."""
GUILTY = 6
"""The level at which a key that is lost alone is dead: it was alone four times by then."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """An event whose suspicion has grown; `dead` if that was the last time."""

    key: str
    level: int
    dead: bool


def mark(connection: Connection, numbers: Sequence[int]) -> list[Suspect]:
    """Raise the suspicion on the events of claims that just ended, in the transaction that ended them."""
    parameters = {"numbers": list(numbers), "most": GUILTY}
    return [Suspect(*row) for row in connection.execute(_SQL["mark"], parameters)]


def again(connection: Connection, *, index: int, queue: int) -> int:
    """Make suspects of the new events of keys that have a dead suspect; how many. The index's row must be locked."""
    parameters = {"index": index, "queue": queue, "level": ALONE, "window": WINDOW}
    return sum(connection.execute(_SQL["again"], {**parameters, "lane": lane}).rowcount for lane in Lane)


def claim(
    connection: Connection,
    *,
    index: int,
    target: int,
    queue: int,
    keys: int,
    dispatch_lease: timedelta,
    work_lease: timedelta,
) -> Claim | None:
    """Claim the least suspect keys, `keys` at the most; None while another such claim is in flight, or none waits.

    The index's row must be locked. `queue`: the value of `event.target`.
    """
    parameters = {
        "index": index,
        "target": target,
        "queue": queue,
        "keys": keys,
        "dispatch_lease": dispatch_lease,
        "work_lease": work_lease,
    }
    row = connection.execute(_SQL["claim"], parameters).fetchone()
    return None if row is None else Claim(row[0], row[1], Lane.REPLAY)
