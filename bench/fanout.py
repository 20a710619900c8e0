"""A change that is on all documents: how long they take, and others' edits meanwhile."""

from __future__ import annotations

import threading
import time
from statistics import median

from bench.latency import Load
from bench.outcome import Outcome, Table, spread
from bench.world import World, say
from outbox.connection import connect
from outbox.sql import queries

_SQL = queries("bench", "fanout.sql")
_DONE = queries("bench", "latency.sql")["done"]
RATE = 50.0
SECONDS = 5.0


def measure(world: World) -> Outcome:
    """All layers get one owner, who is then renamed, beside 50 edits a second; measured is until each edit is done."""
    world.connection.execute(_SQL["one_owner"])
    world.drain()
    alone = _edits(world, SECONDS)
    world.drain()
    (documents,) = world.connection.execute(_SQL["count"]).fetchone() or (0,)
    statement, took = _renamed(world)
    over = threading.Event()
    beside: list[float] = []
    began = time.monotonic()
    _rename(world)
    watcher = threading.Thread(target=_watch, args=(world, over))
    watcher.start()
    while not over.is_set():
        beside += _edits(world, SECONDS)
    watcher.join()
    say(f"fanout: {documents:,} documents in {took:.1f} s, beside edits in {time.monotonic() - began:.1f} s")
    say(f"fanout: edits' p50 {median(beside):.0f} ms, alone {median(alone):.0f} ms")
    rows = [("no fan-out", *spread(alone)), (f"a fan-out of {documents:,}", *spread(beside))]
    head = ("beside", "p50 ms", "p95 ms", "p99 ms")
    note = f"{RATE:.0f} edits a second. The statement took {1000 * statement:.1f} ms, its documents alone {took:.1f} s."
    return Outcome([], [Table("Others' edits beside a fan-out", head, rows, note)])


def _rename(world: World) -> float:
    began = time.perf_counter()
    world.connection.execute(_SQL["rename"])
    return time.perf_counter() - began


def _renamed(world: World) -> tuple[float, float]:
    began = time.monotonic()
    statement = _rename(world)
    world.drain()
    return statement, time.monotonic() - began


def _watch(world: World, over: threading.Event) -> None:
    try:
        with connect(world.endpoints.database_url, application="bench watcher", autocommit=True) as own:
            deadline = time.monotonic() + 1800
            while own.execute(_SQL["fans"]).fetchone() != (False,) and time.monotonic() < deadline:
                time.sleep(0.1)  # the condition is in the database, which has nothing to wake us by
    finally:
        over.set()


def _edits(world: World, seconds: float) -> list[float]:
    """Milliseconds of each edit until it is done."""
    load = Load(world.endpoints.database_url, RATE, seconds)
    load.run()
    events = [event for event, _ in load.commits]
    deadline = time.monotonic() + 600
    done: dict[int, float] = {}
    while len(done := dict(world.connection.execute(_DONE, {"events": events}).fetchall())) < len(events):
        if time.monotonic() > deadline:
            raise TimeoutError("edits still wait after ten minutes")
        time.sleep(0.05)  # as above
    return [1000 * (done[event] - at) for event, at in load.commits]
