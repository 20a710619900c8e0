"""The events: what the relay expands, what replays enqueue, what people wait for. Nothing here commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from outbox.connection import Connection
from outbox.sql import queries
from outbox.store.claims import Lane

_SQL = queries("outbox.store", "events.sql")


@dataclass(frozen=True, slots=True)
class FanOut:
    """An event without a key. `way` and `route` say which rows' documents; without a way it is all documents."""

    id: int
    way: int | None
    route: list[list[str | None]] | None
    op: str
    lane: Lane
    progress: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Enumerated:
    """How far a fan-out event has come: `over` when it is done or dead, `keys` so far, and what it waits for."""

    over: bool
    keys: int
    waits_for: str | None


def fanouts(connection: Connection, index: int, *, most: int) -> list[FanOut]:
    """Fan-out events that may be expanded now, locked for this transaction."""
    rows = connection.execute(_SQL["fanouts"], {"index": index, "most": most})
    return [FanOut(i, way, route, op, Lane(lane), progress) for i, way, route, op, lane, progress in rows]


def add_keys(connection: Connection, pairs: Sequence[tuple[int, str]], lane: Lane) -> None:
    """Append one event for each (fan-out's id, key)."""
    ids, keys = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    connection.execute(_SQL["add_keys"], {"ids": ids, "keys": keys, "lane": lane})


def add_listed(
    connection: Connection, fanout: int, keys: str, parameters: Mapping[str, object], lane: Lane
) -> tuple[int, str | None]:
    """Append one event for each key that the statement `keys` lists, in order, its parameter `most` at the most.

    How many they are, and the last one; None instead if there are no more.
    """
    query = _SQL["add_listed"].replace("{keys}", keys).encode()
    row = connection.execute(query, {**parameters, "cause": fanout, "lane": lane}).fetchone()
    if row is None:
        raise RuntimeError("add_listed gave no row")
    return row[0], row[1]


def expanded(connection: Connection, ids: Sequence[int]) -> None:
    """Mark fan-out events done: all their keys are events now."""
    connection.execute(_SQL["expanded"], {"ids": list(ids)})


def save_progress(connection: Connection, fanout: int, progress: dict[str, Any], lane: Lane) -> None:
    """Note how far an enumeration has come, and the lane that its keys go to."""
    connection.execute(_SQL["progress"], {"id": fanout, "progress": Jsonb(progress), "lane": lane})


def fold(connection: Connection, index: int, *, truncate: bool, ways: Sequence[int]) -> tuple[int, int]:
    """Mark done all waiting events that mean all documents, but one; its id, and how many it stands for.

    `truncate`: those of TRUNCATE, or the others. `ways`: the index's; an event of another way means all documents too.
    The caller holds one of them locked, so there is one.
    """
    row = connection.execute(_SQL["fold"], {"index": index, "truncate": truncate, "ways": list(ways)}).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("no event that means all documents waits")
    return row[0], row[1]


def postpone(connection: Connection, event: int, delay: timedelta, error: str) -> None:
    """Leave an event alone for a while, with the reason."""
    connection.execute(_SQL["postpone"], {"id": event, "delay": delay, "error": error})


def bury(connection: Connection, event: int, error: str) -> None:
    """Mark an event dead, with the reason."""
    connection.execute(_SQL["bury"], {"id": event, "error": error})


def bulk_backlog(connection: Connection, index: int, lane: Lane, *, most: int) -> int:
    """How many keys wait in a lane of the bulk queue; `most` means that many or more."""
    return _count(connection, "bulk_backlog", {"index": index, "lane": lane, "most": most})


def known_keys(connection: Connection, index: int, *, after: str | None, most: int) -> list[str]:
    """Keys that events ever named, in byte order, after a key."""
    rows = connection.execute(_SQL["known_keys"], {"index": index, "after": after, "most": most})
    return [row[0] for row in rows]


def replay_keys(connection: Connection, index: int, keys: Sequence[str]) -> list[int]:
    """Enqueue these documents again; returns the events' ids."""
    return [row[0] for row in connection.execute(_SQL["replay_keys"], {"index": index, "keys": list(keys)})]


def replay_all(connection: Connection, index: int) -> int:
    """Enqueue all documents of the index again, as one fan-out event; returns its id."""
    return _count(connection, "replay_all", {"index": index})


def highest(connection: Connection) -> int:
    """The highest id of the events that are visible now. Ids are no order of commits: later commits may lie below."""
    return _count(connection, "highest", {})


def unfinished(connection: Connection, up_to: int) -> int:
    """How many of the events up to that id, and of those they were expanded into, are neither done nor dead."""
    return _count(connection, "unfinished", {"id": up_to})


def dead_among(connection: Connection, up_to: int) -> int:
    """How many of the events up to that id, and of those they were expanded into, are dead and not resolved."""
    return _count(connection, "dead_among", {"id": up_to})


def progress_of(connection: Connection, fanout: int) -> tuple[bool, int, int, int]:
    """Of one fan-out event: is it wholly expanded, and how many keys it became, are done, are dead."""
    row = connection.execute(_SQL["progress_of"], {"id": fanout}).fetchone()
    return (True, 0, 0, 0) if row is None else (row[0], row[1], row[2], row[3])


def enumerated(connection: Connection, fanout: int) -> Enumerated | None:
    """How far the enumeration of one fan-out event has come; None if the event is pruned."""
    row = connection.execute(_SQL["enumerated"], {"id": fanout}).fetchone()
    return None if row is None else Enumerated(*row)


def _count(connection: Connection, query: str, parameters: dict[str, object]) -> int:
    row = connection.execute(_SQL[query], parameters).fetchone()
    if row is None:
        raise RuntimeError(f"{query} gave no row")
    return int(row[0])
