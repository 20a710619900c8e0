"""Which process the processors worked for: its time on them, by the kernel, for each document; and when Solr rests."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.outcome import Table
from bench.world import World
from outbox.sql import queries

_SQL = queries("bench", "replay.sql")
_TICKS = os.sysconf("SC_CLK_TCK")
SERVICES = ("solr", "rabbitmq", "relay", "worker-live", "worker-bulk")
LEAST_US = 1.0
"""What is less a document is left out."""
CALM = 0.05
"""Of a processor: what Solr takes when it has nothing to do is less."""
_LOOK_S = 0.5
_PATIENCE_S = 120.0


def table(world: World, ways: Mapping[str, Callable[[], object]], documents: int) -> Table:
    """Microseconds of processor a document of each way, which is run once; the most expensive process first."""
    spent = {name: _spent(world, way, documents) for name, way in ways.items()}
    names = sorted({name for found in spent.values() for name in found}, key=lambda one: -max(_of(spent, one)))
    rows = [(name, *(f"{one:.0f}" for one in _of(spent, name))) for name in names if max(_of(spent, name)) >= LEAST_US]
    rows.append(("together", *(f"{sum(found.values()):.0f}" for found in spent.values())))
    note = "Microseconds on a processor for each document, once. Backends of Postgres by who asked them."
    return Table("Where the processors' time goes", ("process", *spent), rows, note)


def calm(world: World) -> None:
    """Wait until Solr has merged what was written before, so that no way pays for another's documents."""
    pid, deadline = world.stack.service("solr").pid, time.monotonic() + _PATIENCE_S
    while True:
        before = sum(map(_seconds, _family(pid)))
        time.sleep(_LOOK_S)  # a rate is read over a time
        if sum(map(_seconds, _family(pid))) - before < CALM * _LOOK_S:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"Solr is at work {_PATIENCE_S:.0f} s after the last document")


def _of(spent: dict[str, defaultdict[str, float]], name: str) -> list[float]:
    return [found[name] for found in spent.values()]


def _spent(world: World, way: Callable[[], object], documents: int) -> defaultdict[str, float]:
    before = _clocks(world)
    way()
    after = _clocks(world)
    return defaultdict(float, {name: 1e6 * (after[name] - before[name]) / documents for name in after})


def _clocks(world: World) -> defaultdict[str, float]:
    """Seconds until now. A backend that ends between two looks is not seen: connections that stay are meant."""
    found: defaultdict[str, float] = defaultdict(float)
    for name in SERVICES:
        for pid in _family(world.stack.service(name).pid):
            found[name] += _seconds(pid)
    backends: dict[int, str] = dict(world.connection.execute(_SQL["backends"]).fetchall())
    for pid in _family(world.stack.service("postgres").pid)[1:]:
        found[f"Postgres: {backends.get(pid, 'other')}"] += _seconds(pid)
    return found


def _family(pid: int) -> list[int]:
    """The process and all that come from it."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(one) for thread in threads for one in (thread / "children").read_text("ascii").split()]
    except FileNotFoundError:
        return []  # it has ended
    return [pid, *(each for child in children for each in _family(child))]


def _seconds(pid: int) -> float:
    """Of user and system, fields 14 and 15 of /proc/PID/stat, see proc(5); 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
