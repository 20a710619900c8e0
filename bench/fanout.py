"""A change that is on all documents: how long they take, and others' edits meanwhile."""

from __future__ import annotations

import time
from statistics import median

from bench.outcome import Outcome, Table, spread
from bench.replay_latency import Measured, during_bulk, edit
from bench.world import World, say
from outbox.sql import queries

_SQL = queries("bench", "fanout.sql")
RATE = 50.0


def measure(world: World) -> Outcome:
    """All layers get one owner, who is then renamed, alone and beside 50 edits a second."""
    connection, url = world.connection, world.endpoints.database_url
    connection.execute(_SQL["one_owner"])
    world.drain()
    (documents,) = connection.execute(_SQL["count"]).fetchone() or (0,)
    without, beside = Measured("no fan-out"), Measured(f"a fan-out of {documents:,}")
    edit(connection, url, without, rate=RATE, seconds=world.scale.load_s)
    world.drain()
    statement, took = _renamed(world)
    _rename(world)
    seconds = during_bulk(connection, url, beside, rate=RATE)
    say(f"fanout: {documents:,} documents in {took:.1f} s, beside edits in {seconds:.1f} s")
    rows = [(one.name, *spread(one.milliseconds)) for one in (without, beside)]
    say(f"fanout: edits' p50 {median(beside.milliseconds):.0f} ms, alone {median(without.milliseconds):.0f} ms")
    head = ("beside", "p50 ms", "p95 ms", "p99 ms")
    note = f"{RATE:.0f} edits a second. The statement took {1000 * statement:.1f} ms, its documents alone {took:.1f} s."
    return Outcome([], [Table("Others' edits beside a fan-out", head, rows, note)])


def _rename(world: World) -> float:
    """Seconds of the statement."""
    began = time.perf_counter()
    world.connection.execute(_SQL["rename"])
    return time.perf_counter() - began


def _renamed(world: World) -> tuple[float, float]:
    """Seconds of the statement, and until all documents that show it are indexed."""
    began = time.monotonic()
    statement = _rename(world)
    world.drain()
    return statement, time.monotonic() - began
