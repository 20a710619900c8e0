"""The ledger of claims: one short function for each statement. None of them commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from psycopg.rows import TupleRow

from outbox import plans
from outbox.connection import Connection
from outbox.sql import queries

_SQL = queries("outbox.store", "claims.sql")
# Events that one claim looks at: a hot key with 100,000 of them becomes some fifty documents, and a claim stays short.
WINDOW = 2000


class Lane(StrEnum):
    """Where an event waits. FANOUT and REPLAY share the bulk queue."""

    LIVE = "live"
    FANOUT = "fanout"
    REPLAY = "replay"

    @property
    def queue(self) -> str:
        """The queue of RabbitMQ that claims of this lane go to."""
        return LIVE_QUEUE if self is Lane.LIVE else BULK_QUEUE


WORK = "work"
"""What a notification carries that is not of a captured write. Never changed: a deploy has both sides for a while."""
LIVE_QUEUE = "outbox.live"
BULK_QUEUE = "outbox.bulk"


class Outcome(StrEnum):
    """How a claim ended."""

    DONE = "done"
    GIVEN_BACK = "given back"
    NOT_PUBLISHED = "not published"
    PREEMPTED = "pre-empted"
    NOT_BEGUN = "not begun"
    REDELIVERED = "redelivered"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch of keys that was claimed: how many, and since when the oldest event that was looked at could be taken."""

    number: int
    keys: int
    lane: Lane
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What a worker learns when it begins a claim."""

    number: int
    index: int
    target: int
    lane: Lane
    keys: int
    collection: str
    serving: bool
    failing: bool
    applied_at: datetime

    @property
    def queue(self) -> int:
        """The value of `event.target` of its events."""
        return 0 if self.serving else self.target


@dataclass(frozen=True, slots=True)
class Ended:
    """A claim that was revoked."""

    number: int
    outcome: Outcome
    worker: str | None


def lock_index(connection: Connection, index: int) -> bool:
    """Lock the index's row for this transaction; true if claiming is allowed (it is neither paused nor detached)."""
    row = connection.execute(_SQL["lock_index"], {"index": index}).fetchone()
    return row is not None and not row[0]


def free(connection: Connection, *, index: int, target: int, queue: int, lane: Lane) -> bool:
    """Whether there is anything of the lane that a claim could take now, as far as can be told without a lock."""
    row = connection.execute(_SQL["free"], {"index": index, "target": target, "queue": queue, "lane": lane}).fetchone()
    return row is not None and bool(row[0])


def claim(
    connection: Connection,
    *,
    index: int,
    target: int,
    queue: int,
    lane: Lane,
    keys: int,
    dispatch_lease: timedelta,
    work_lease: timedelta,
    avoid: int | None = None,
    since: datetime | None = None,
) -> Claim | None:
    """Lock the index and claim at most `keys` documents of one lane, in one message: None when nothing is available.

    None, too, when claiming is not allowed, as by `lock_index`. `queue`: the value of `event.target`. `avoid`: the
    number of a claim none of whose keys is taken. `since`: nothing is taken that could be taken before. Without a
    transaction around it, who is frozen keeps no lock.
    """
    parameters = {
        "index": index,
        "target": target,
        "queue": queue,
        "lane": lane,
        "keys": keys,
        "window": _window(lane, keys),
        "avoid": avoid,
        "since": since,
        "dispatch_lease": dispatch_lease,
        "work_lease": work_lease,
    }
    lock = plans.text(connection, _SQL["lock_index"], {"index": index}, ours=True)
    row = _last(connection, lock + b"; " + plans.text(connection, _SQL["claim"], parameters, ours=True))
    return None if row is None else Claim(row[0], row[1], lane, row[2])


def _last(connection: Connection, message: bytes) -> TupleRow | None:
    """The row of the last of the statements that go in one message."""
    cursor = connection.execute(message, prepare=False)
    while cursor.nextset():
        pass
    return cursor.fetchone()


def _window(lane: Lane, keys: int) -> int:
    """Events that a claim looks at. What is looked at is sorted, and of a replay each key comes once, or nearly."""
    return min(WINDOW, max(keys, 500)) if lane is Lane.REPLAY else max(WINDOW, keys)


def preempt(connection: Connection, *, index: int, target: int, queue: int) -> list[Ended]:
    """End the bulk claims that nobody has begun and that hold a key which a live change waits for.

    In the claiming transaction, before the claim: the index's row must be locked.
    """
    parameters = {"index": index, "target": target, "queue": queue, "window": WINDOW}
    return [Ended(row[0], Outcome(row[1]), row[2]) for row in connection.execute(_SQL["preempt"], parameters)]


def published(connection: Connection, number: int, ago: timedelta) -> None:
    """Note that the broker confirmed the claim's message, so long ago."""
    connection.execute(_SQL["published"], {"number": number, "ago": ago})


def begin(connection: Connection, number: int, *, worker: str) -> Begun | None:
    """Begin the claim, once for ever; None if it was begun before, has ended, or is of another start of the server.

    The caller commits before it reads: the evidence that somebody began must survive whatever the documents do.
    """
    row = _last(connection, plans.beginning(connection, _SQL["begin"], {"number": number, "worker": worker}))
    if row is None:
        return None
    index, target, lane, keys, collection, serving, failing, applied_at = row
    plans.begun(connection, number)
    return Begun(number, index, target, Lane(lane), keys, collection, serving, failing, applied_at)


def finish(
    connection: Connection,
    claim: Begun,
    *,
    bad: dict[str, str],
    back: list[str],
) -> bool:
    """End the claim: `bad` keys are dead with their reasons, `back` keys are free again, all others are done.

    False if the claim has ended elsewhere: then nothing is marked.
    """
    parameters = {
        "number": claim.number,
        "queue": claim.queue,
        "bad": list(bad),
        "reasons": list(bad.values()),
        "back": back,
        "error": f"{len(bad)} refused" if bad else None,
    }
    if bad or back:
        row = connection.execute(_SQL["finish"], parameters).fetchone()
    else:
        row = connection.execute(*plans.kept(connection, _SQL["finish"], parameters, ours=True)).fetchone()
    return row is not None


def end(connection: Connection, number: int, outcome: Outcome, error: str | None = None) -> bool:
    """End the claim with its events untouched and free again; false if it has ended already."""
    row = connection.execute(_SQL["end"], {"number": number, "outcome": outcome, "error": error}).fetchone()
    return row is not None


def revoke(connection: Connection) -> list[Ended]:
    """End claims whose lease is over, or that another start of the server may have lost: at most 20 at once."""
    return [Ended(row[0], Outcome(row[1]), row[2]) for row in connection.execute(_SQL["revoke"])]


def revoke_unpublished(connection: Connection) -> list[Ended]:
    """End claims that a relay made and did not publish: what a new leader does first."""
    return [Ended(row[0], Outcome(row[1]), row[2]) for row in connection.execute(_SQL["revoke_unpublished"])]


def end_unbegun(connection: Connection, index: int, why: str) -> None:
    """Give back every claim of an index that no worker has begun."""
    connection.execute(_SQL["end_unbegun"], {"index": index, "why": why})


def wake(connection: Connection) -> None:
    """Tell the relay, at this transaction's commit, that there is something to do: by WORK, for nobody wrote."""
    connection.execute(_SQL["wake"], {"payload": WORK})


def keys(connection: Connection, number: int) -> list[str]:
    """The keys of a claim in flight; none if it has ended."""
    return [row[0] for row in connection.execute(_SQL["keys"], {"number": number})]


def last_number(connection: Connection) -> int:
    """The number that was drawn last: every claim with a higher one reads after this call."""
    row = connection.execute(_SQL["last_number"]).fetchone()
    if row is None:
        raise RuntimeError("last_number gave no row")  # a sequence has one
    return int(row[0])
