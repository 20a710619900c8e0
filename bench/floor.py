"""The floor of one edit in an idle system: what nobody can do without, added up.

The COMMIT of an INSERT, a NOTIFY that arrives, a confirmed message that is consumed, the view read for one document by
a plan that is kept, one POST. One program does them one after the other, after a pause as long as that between two
edits: that is a row of the floor. Each again and again, without a pause, they take a third of that, for caches and
processors are warm; that is printed beside, and has no target.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from statistics import median
from typing import Any

from kombu import Connection as Broker
from kombu import Queue

from bench.outcome import Table
from bench.replay import bodies, posted, read
from bench.world import World, say
from outbox import plans
from outbox.connection import Connection, connect
from outbox.solr.client import Address, Solr
from outbox.sql import queries

_SQL = queries("bench", "floor.sql")
_CLAIM = queries("bench", "replay.sql")["claim"]
STEPS = 100
PAUSE_S = (0.25, 0.35)  # between two edits: the relay falls asleep after 0.15 s
_FIRST = 3  # rows that are not counted: the read's plan is kept from the second on
_PATIENCE_S = 30.0

Row = Mapping[str, float]
"""Milliseconds of each step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `before` is not timed, as the UPDATE of an edit is not."""

    name: str
    run: Callable[[], object]
    before: Callable[[], object] = lambda: None

    def took(self) -> float:
        """Do it once; milliseconds."""
        self.before()
        at = time.perf_counter()
        self.run()
        return 1000 * (time.perf_counter() - at)


def again_and_again(world: World) -> Row:
    """The medians of the steps, each so often without a pause."""
    with _steps(world, STEPS) as steps:
        return {step.name: median(step.took() for _ in range(STEPS)) for step in steps}


def rows(world: World, many: int) -> list[Row]:
    """One step after the other, after a pause each time."""
    draw = random.Random(7)  # noqa: S311 - pauses, no secret
    found: list[Row] = []
    with _steps(world, _FIRST + many) as steps:
        for _ in range(_FIRST + many):
            time.sleep(draw.uniform(*PAUSE_S))  # an idle system is what is measured
            found.append({step.name: step.took() for step in steps})
    counted = found[_FIRST:]
    say(f"floor: {median(map(together, counted)):.1f} ms")
    return counted


def together(row: Row) -> float:
    """Milliseconds of all its steps together."""
    return sum(row.values())


def table(found: Sequence[Row], busy: Row) -> Table:
    """Both ways to measure the steps, by their medians."""
    lines = [(name, median(row[name] for row in found), busy[name]) for name in busy]
    lines.append(("together", median(map(together, found)), together(busy)))
    head = ("step", "in a row, after a pause, ms", "again and again, ms")
    return Table("The floor", head, [(name, f"{paused:.2f}", f"{again:.2f}") for name, paused, again in lines])


@contextmanager
def _steps(world: World, times: int) -> Iterator[list[Step]]:
    """The steps, ready to run so many times. What they need ends with them: no edit is measured beside it."""
    solr = Solr(Address(world.endpoints.solr_url))
    with (
        connect(world.endpoints.database_url, application="bench", autocommit=True) as connection,
        connect(world.endpoints.database_url, application="bench listener", autocommit=True) as listener,
        Broker(world.endpoints.broker_url, transport_options={"confirm_publish": True}) as broker,
    ):
        key, claim = _begun(connection)
        built = iter(bodies(connection, world, repeat(read(connection, world, [key]), times)))
        view = {"number": claim, "only": None}
        queue = Queue("bench.floor", durable=True)(broker.channel())
        producer = broker.Producer(queue.channel)
        connection.execute(_SQL["table"])
        listener.execute(_SQL["listen"])
        queue.declare()
        yield [
            Step("commit", lambda: connection.execute("COMMIT"), lambda: connection.execute(_SQL["insert"])),
            Step("notify", lambda: _notified(connection, listener)),
            Step("publish and consume", lambda: _consumed(producer, queue)),
            Step("read", lambda: connection.execute(*plans.kept(connection, world.definition.read, view)).fetchall()),
            Step("post", lambda: posted(solr, world.collection, next(built))),
        ]
        queue.delete()
        connection.execute(_SQL["end"], {"number": claim})
        connection.execute(_SQL["drop"])


def _begun(connection: Connection) -> tuple[str, int]:
    """A document's key, and a claim of it which the session has begun, as a worker's would: its plans are kept."""
    ((key,),) = connection.execute(_SQL["key"]).fetchall()
    ((claim,),) = connection.execute(_CLAIM, {"keys": [key]}).fetchall()
    plans.keep(connection)
    connection.execute(plans.beginning(connection, "SELECT", {"number": claim}), prepare=False)
    plans.begun(connection, claim)
    return key, claim


def _notified(connection: Connection, listener: Connection) -> None:
    connection.execute(_SQL["notify"])
    for _ in listener.notifies(timeout=_PATIENCE_S, stop_after=1):
        return
    raise TimeoutError("no notification came")


def _consumed(producer: Any, queue: Any) -> None:
    producer.publish({"claim": 1}, routing_key=queue.name, delivery_mode=2)
    deadline = time.monotonic() + _PATIENCE_S
    while (message := queue.get(no_ack=False)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError("no message came")
    message.ack()
