"""Plans that are kept for some seconds: to plan a small statement takes several times as long as to run it.

Postgres keeps the plan of a prepared statement that has no parameters. So the parameters are written into its text, but
for the claim's number, which a worker leaves in a setting of its session when it begins the claim: there the text finds
it.

A plan is not kept for good. One that was made while a table was small reads all of it once it has grown, until
something analyses it (seen: 8 s for a finish that takes 10 ms): after `KEEP_S` it is made anew. And of our own tables,
which grow from nothing to a million rows in seconds, it is one without a scan of the whole table, unless one of them is
analysed meanwhile: then Postgres plans as it likes, for the rest of those seconds.
"""

from __future__ import annotations

import math
import re
import secrets
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

_BY_INDEX = b"; SET LOCAL enable_seqscan = off; EXPLAIN EXECUTE %b; SET LOCAL enable_seqscan = on"
_NUMBER = re.compile(r"%%|%\(number\)s")

Statement = tuple[bytes, Mapping[str, Any] | None]
"""What to execute, and with which parameters; none if it is prepared."""


@dataclass(slots=True)
class _Plans:
    """Of one session, by the monotonic clock.

    `token`: in its names, so that on a connection that somebody shares with us nobody takes them for his. `number`: the
    claim that it began last; none from the next begin on, until that is known to have begun another. `asked`: when each
    statement was asked for. `prepared`: its quoted name, and when. A name is used once: a PREPARE that fails leaves
    nothing in the way of the next.
    """

    token: str = field(default_factory=lambda: secrets.token_hex(4))
    number: int | None = None
    asked: dict[str, float] = field(default_factory=dict)
    prepared: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    names: Iterator[int] = field(default_factory=count)

    @property
    def setting(self) -> str:
        return f"outbox.claim_{self.token}"


_sessions: WeakKeyDictionary[Connection, _Plans] = WeakKeyDictionary()


def keep(connection: Connection) -> None:
    """Keep plans in this session from now on; not behind a pooler, where it is another's next time.

    psycopg then prepares nothing by itself: after a rollback it would deallocate all that is prepared, ours too.
    """
    if connection.prepare_threshold is not None:
        connection.prepare_threshold = None
        _sessions[connection] = _Plans()


def begun(connection: Connection, number: int) -> None:
    """Note which claim's number the session has now: none, if the transaction in which it began may be undone."""
    if (plans := _sessions.get(connection)) is not None:
        settled = connection.info.transaction_status is TransactionStatus.IDLE
        plans.number = number if settled else None


def kept(connection: Connection, query: str, parameters: Mapping[str, Any], *, ours: bool = False) -> Statement:
    """The statement, as one that is prepared if it is asked for often; else as it is.

    With another `number` than that of the claim which this session began last, it is as it is. `ours`: it reads our own
    tables alone, each by an index.
    """
    plans, now = _sessions.get(connection), time.monotonic()
    if plans is None or parameters.get("number", plans.number) != plans.number:
        return query.encode(), parameters
    others = {name: value for name, value in parameters.items() if name != "number"}
    key = f"{others}\n{query}"
    often = now - plans.asked.get(key, -math.inf) < KEEP_S
    plans.asked = {each: at for each, at in plans.asked.items() if now - at < KEEP_S} | {key: now}
    name, since = plans.prepared.get(key, (None, 0.0))
    if name is None or now - since >= KEEP_S:
        if not often:
            return query.encode(), parameters
        name = _prepared(connection, plans, key, _without_parameters(connection, plans, query, others), ours)
    return b"EXECUTE " + name, None


def text(connection: Connection, query: str, parameters: Mapping[str, Any], *, ours: bool = False) -> bytes:
    """As `kept`, for one of several statements that go in one message, which takes no parameters beside it."""
    statement, others = kept(connection, query, parameters, ours=ours)
    return statement if others is None else _mogrified(connection, statement, others)


def beginning(connection: Connection, query: str, parameters: Mapping[str, Any]) -> bytes:
    """The statement that begins the claim `number`, behind one that leaves the number in the session's setting.

    Which claim the session has is not known from here on, until `begun`: the setting stays, whatever comes of it.
    """
    plans = _sessions.get(connection)
    if plans is None:
        return _mogrified(connection, query.encode(), parameters)
    plans.number = parameters["number"]
    try:
        begin = text(connection, query, parameters, ours=True)
    finally:
        plans.number = None
    return b"SELECT set_config('%b', '%d', false); %b" % (plans.setting.encode(), parameters["number"], begin)


def _mogrified(connection: Connection, query: bytes, parameters: Mapping[str, Any]) -> bytes:
    return psycopg.ClientCursor(connection).mogrify(query, parameters).encode()


def _prepared(connection: Connection, plans: _Plans, key: str, text: bytes, ours: bool) -> bytes:
    """Prepare it, and end its older plan, and others that nobody asks for, in the same trip, so that nothing adds up.

    Not all that are older than KEEP_S: one may stand in the same message as this. EXPLAIN makes the plan, which is
    otherwise made when it is first executed: without scans of whole tables.
    """
    now = time.monotonic()
    old = [each for each, (_, since) in plans.prepared.items() if each == key or now - since >= 2 * KEEP_S]
    end = b"".join(b"DEALLOCATE " + plans.prepared.pop(each)[0] + b"; " for each in old)
    name = f'"outbox {plans.token} {next(plans.names)}"'.encode()
    prepare = b"PREPARE " + name + b" AS " + text
    connection.execute(end + prepare + (_BY_INDEX % name if ours else b""))
    plans.prepared[key] = name, now
    return name


def _without_parameters(connection: Connection, plans: _Plans, query: str, others: Mapping[str, Any]) -> bytes:
    number = f"nullif(current_setting('{plans.setting}', true), '')::bigint"  # a begin that is undone leaves ''
    numbered = _NUMBER.sub(lambda found: number if found[0] == "%(number)s" else found[0], query)
    return _mogrified(connection, numbered.encode(), others)
