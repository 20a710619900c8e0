"""Plans that are kept for some seconds: to plan a small statement takes several times as long as to run it.

Postgres keeps the plan of a prepared statement that has no parameters. So the parameters are written into its text, but
for the claim's number, which `begin` leaves in the session, where the text finds it.

A plan is not kept for good. One that was made while a table was small reads all of it once it has grown, until
something analyses it (seen: 8 s for a finish that takes 10 ms): after `KEEP_S` it is made anew. And of our own tables,
which grow from nothing to a million rows in seconds, it is one that reads by an index however small they are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus

from outbox.connection import Connection

KEEP_S = 10.0
"""How old a plan may be; and what is asked for less often is planned each time, since to prepare it is a trip more."""

NUMBER = "current_setting('outbox.claim_number')::bigint"
"""Stands where the text has the parameter `number`: what this session has begun last."""

_BY_INDEX = b"; SET LOCAL enable_seqscan = off; EXPLAIN EXECUTE %b; SET LOCAL enable_seqscan = on"

Statement = tuple[bytes, Mapping[str, Any] | None]
"""What to execute, unprepared, and with which parameters."""


@dataclass(slots=True)
class _Plans:
    """Of one session, by the monotonic clock.

    `number`: the claim that it began last. `asked`: when each statement was asked for. `prepared`: its quoted name,
    and when. A name is used once: a PREPARE that fails leaves nothing in the way of the next.
    """

    number: int | None = None
    asked: dict[str, float] = field(default_factory=dict)
    prepared: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    names: Iterator[int] = field(default_factory=count)


_sessions: WeakKeyDictionary[Connection, _Plans] = WeakKeyDictionary()


def begun(connection: Connection, number: int) -> None:
    """Note which claim's number the session has now: none, if the transaction in which it began may be undone."""
    settled = connection.info.transaction_status is TransactionStatus.IDLE
    _plans(connection).number = number if settled else None


def kept(
    connection: Connection, key: str, query: str, parameters: Mapping[str, Any], *, ours: bool = False
) -> Statement:
    """The statement, as one that is prepared if it is asked for often; else as it is.

    `key` stands for the query with all its parameters but `number`; with another number than that of the claim which
    this session began last, it is as it is. `ours`: it reads our own tables alone, each by an index. Behind a pooler,
    where the session is another's next time, nothing is prepared.
    """
    plans, now = _plans(connection), time.monotonic()
    if connection.prepare_threshold is None or parameters.get("number", plans.number) != plans.number:
        return query.encode(), parameters
    often = now - plans.asked.get(key, -math.inf) < KEEP_S
    plans.asked = {each: at for each, at in plans.asked.items() if now - at < KEEP_S} | {key: now}
    name, since = plans.prepared.get(key, (None, 0.0))
    if name is None or now - since >= KEEP_S:
        if not often:
            return query.encode(), parameters
        name = _prepared(connection, plans, key, _without_parameters(connection, query, parameters), ours)
    return b"EXECUTE " + name, None


def _plans(connection: Connection) -> _Plans:
    return _sessions.setdefault(connection, _Plans())


def _prepared(connection: Connection, plans: _Plans, key: str, text: bytes, ours: bool) -> bytes:
    """Prepare it, and end those that are too old in the same trip, so that nothing adds up.

    EXPLAIN makes the plan, which is otherwise made when it is first executed: without scans of whole tables.
    """
    now = time.monotonic()
    old = [each for each, (_, since) in plans.prepared.items() if now - since >= KEEP_S]
    end = b"".join(b"DEALLOCATE " + plans.prepared.pop(each)[0] + b"; " for each in old)
    name = f'"outbox {next(plans.names)}"'.encode()
    prepare = b"PREPARE " + name + b" AS " + text
    connection.execute(end + prepare + (_BY_INDEX % name if ours else b""), prepare=False)
    plans.prepared[key] = name, now
    return name


def _without_parameters(connection: Connection, query: str, parameters: Mapping[str, Any]) -> bytes:
    others = {name: value for name, value in parameters.items() if name != "number"}
    text = psycopg.ClientCursor(connection).mogrify(query.replace("%(number)s", NUMBER).encode(), others)
    return text.encode()
